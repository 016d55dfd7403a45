import type { ObservationFields } from '../history/observation.ts';
import type { Vault } from '../history/redaction.ts';
import type { DecodedFrame } from '../targets/target.ts';
import { CONTENT_CHARACTERS_MAX, type Observer } from './recorder.ts';

/** An inbound frame's line without its content; one shape for all, which keeps the hot path fast. */
export function lineOf(
  observer: Observer,
  decoded: Partial<DecodedFrame> | undefined,
  surface: 'socket' | 'sse' = 'socket',
): ObservationFields {
  return {
    user: observer.user,
    conn: observer.conn,
    surface,
    dir: 'in',
    kind: 'frame',
    event: decoded?.event,
    owner: decoded?.owner,
    thread: decoded?.thread,
    run: decoded?.run,
    tool: decoded?.tool,
    agent: decoded?.agent,
    id: decoded?.id,
    sequence: decoded?.sequence,
    sentAt: decoded?.sentAt,
  };
}

/** What was decoded from a frame that is not recorded as it came: fields may hold what its text did. */
export function withoutSecrets(decoded: DecodedFrame, vault: Vault): DecodedFrame {
  const { event, owner, thread, run, tool, agent, id } = decoded;
  const clean = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : vault.redact(text);
  return {
    ...decoded,
    event: clean(event),
    owner: clean(owner),
    thread: clean(thread),
    run: clean(run),
    tool: clean(tool),
    agent: clean(agent),
    id: clean(id),
  };
}

/** Whether a frame can be spliced into a line as it came. */
export function isPlainLine(text: string): boolean {
  return text.length <= CONTENT_CHARACTERS_MAX && !text.includes('\n') && !text.includes('\r');
}
