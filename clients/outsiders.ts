import type { DecodedFrame } from '../targets/target.ts';
import { lineOf, withoutSecrets } from './frame-line.ts';
import { masked } from './masking.ts';
import { contentOf, type Observer, type Recorder } from './recorder.ts';

/**
 * Whether an event belongs to a person whom nobody in the crowd is (DESIGN §3.3). `own`: the id that its
 * receiver is known by, empty where there is none.
 */
export function isOutsiders(
  recorder: Recorder,
  { owner, role }: DecodedFrame,
  own: string,
): boolean {
  if (owner === undefined || (role !== 'agent' && role !== 'other')) return false;
  if (owner === own || recorder.ownedByCrowd(owner)) return false;
  const isPrefix = own !== '' && owner.endsWith('...') && own.startsWith(owner.slice(0, -3));
  return !isPrefix;
}

/** Who received a frame, and by what id the target knows this user. */
export interface Receiver {
  readonly observer: Observer;
  readonly surface?: 'socket' | 'sse';
  readonly own: string;
}

/** Records such an event, or a frame with one in it, without that person's texts. */
export function recordMasked(
  recorder: Recorder,
  { observer, surface, own }: Receiver,
  { frame, decoded, at }: { frame: unknown; decoded: DecodedFrame; at: number },
): void {
  const { journal, vault, campaignPrefix } = recorder;
  const { tool, agent, ...rest } = decoded;
  const kept = isOutsiders(recorder, decoded, own) ? rest : { ...rest, tool, agent };
  let text: string;
  try {
    text = JSON.stringify(masked(frame, campaignPrefix));
  } catch {
    text = '"[masked]"'; // Nested too deep to be written again.
  }
  journal.append(
    { ...lineOf(observer, withoutSecrets(kept, vault), surface), masked: true },
    contentOf(vault.redact(text), true),
    at,
  );
}
