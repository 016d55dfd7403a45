import type { Knowledge } from './knowledge.ts';
import { isRecord, parseObject } from './json-frame.ts';

/** The value of the first of `names` found in one of the profile's containers. */
function fieldText(
  knowledge: Knowledge,
  content: string,
  names: readonly string[],
): string | undefined {
  const frame = parseObject(content);
  if (frame === undefined) return undefined;
  for (const container of knowledge.profile.answer.containers) {
    let at: unknown = frame;
    for (const key of container) at = isRecord(at) ? at[key] : undefined;
    if (!isRecord(at)) continue;
    for (const name of names) {
      const value = at[name];
      if (typeof value === 'string') return value;
      if (isRecord(value)) return JSON.stringify(value);
    }
  }
  return undefined;
}

/** The text of an answer in a frame, where the profile says it stands. */
export function answerText(knowledge: Knowledge, content: string): string | undefined {
  return fieldText(knowledge, content, knowledge.profile.answer.answer);
}

/** The text of a streamed piece in a frame. */
export function chunkText(knowledge: Knowledge, content: string): string | undefined {
  return fieldText(knowledge, content, knowledge.profile.answer.chunk);
}
