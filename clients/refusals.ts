import { hasMembers } from '../history/json-object.ts';
import type { HttpReply } from '../targets/target.ts';

/** What came of trying something that must be refused. */
export type ProbeOutcome = 'refused' | 'accepted' | 'unclear';

/** Refusals to serve anybody just now; they say nothing about whoever asked. */
const BUSY = new Set([408, 425, 429]);

/** What a status alone says. */
export function outcomeOfStatus(status: number): ProbeOutcome {
  if (status >= 200 && status < 300) return 'accepted';
  return status >= 400 && status < 500 && !BUSY.has(status) ? 'refused' : 'unclear';
}

/** What a reply says, also one that refuses in its words: `200 {"error":"not yours"}`. */
export function outcomeOfReply({ status, json }: Pick<HttpReply, 'status' | 'json'>): ProbeOutcome {
  const outcome = outcomeOfStatus(status);
  return outcome === 'accepted' && saysError(json) ? 'refused' : outcome;
}

/** What an error tells of itself. */
const OF_AN_ERROR =
  /^(?:errors?|success|ok|message|msg|details?|reason|description|code|error_?code|status|status_?code|type|title|timestamp|path|request_?id|data)$/i;

/** Whether a reply is an error and nothing else: an answer that comes with one is an answer. */
function saysError(json: unknown): boolean {
  if (!hasMembers(json) || Array.isArray(json)) return false;
  const { error, errors, success, ok, data } = json;
  const isFailure =
    !saysNothing(error) || !saysNothing(errors) || success === false || ok === false;
  const others = Object.entries(json).filter(([name]) => !OF_AN_ERROR.test(name));
  return isFailure && saysNothing(data) && others.every(([, value]) => saysNothing(value));
}

/** Whether a reply shows nothing of anybody: `[]`, `{"messages":[],"total":0}`. */
export function saysNothing(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return !json;
  return Object.values(json).every((value) => saysNothing(value));
}
