import { answerField } from '../history/answer-field.ts';
import { parseObject } from './json-frame.ts';
import type { Knowledge } from './knowledge.ts';

/** The text of an answer in a frame, where the profile says it stands. */
export function answerText({ profile }: Knowledge, content: string): string | undefined {
  return answerField(profile.answer, parseObject(content), profile.answer.answer);
}

/** The text of a streamed piece in a frame. */
export function chunkText({ profile }: Knowledge, content: string): string | undefined {
  return answerField(profile.answer, parseObject(content), profile.answer.chunk);
}
