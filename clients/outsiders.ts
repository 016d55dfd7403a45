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

/** Records such an event without that person's texts. */
export function recordMasked(
  { journal, vault, campaignPrefix }: Recorder,
  { observer, surface }: { observer: Observer; surface?: 'socket' | 'sse' },
  { frame, decoded, at }: { frame: unknown; decoded: DecodedFrame; at: number },
): void {
  const { tool: _tool, agent: _agent, ...kept } = decoded;
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
