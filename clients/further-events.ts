import type { DecodedFrame } from '../targets/target.ts';
import { lineOf, withoutSecrets } from './frame-line.ts';
import { isOutsiders, recordMasked, type Receiver } from './outsiders.ts';
import { contentOf, type Recorder } from './recorder.ts';

/** Records a further event of a frame that held several: a line whose content is what of the frame is this event. */
export function recordFurther(
  recorder: Recorder,
  receiver: Receiver,
  { decoded, at }: { readonly decoded: DecodedFrame; readonly at: number },
): void {
  const { part } = decoded;
  const text = part === undefined ? undefined : textOf(part);
  if (text !== undefined && isOutsiders(recorder, decoded, receiver.own)) {
    recordMasked(recorder, receiver, { frame: part, decoded, at });
    return;
  }
  recorder.journal.append(
    lineOf(receiver.observer, withoutSecrets(decoded, recorder.vault), receiver.surface),
    text === undefined ? undefined : contentOf(recorder.redactFrame(text, decoded.event), true),
    at,
  );
}

function textOf(part: unknown): string | undefined {
  try {
    return JSON.stringify(part);
  } catch {
    return undefined; // Nested too deep to be written again.
  }
}
