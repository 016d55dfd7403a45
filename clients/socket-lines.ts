import type { IncomingMessage } from 'node:http';
import type { SocketRequest } from '../targets/target.ts';
import { upgradeHeaders } from './http.ts';
import { contentOf, toMicroseconds, type Observer } from './recorder.ts';
import type { SocketSettings } from './socket-settings.ts';

/** An attempt to open a connection; its latency counts from the intended moment. */
export function recordOpen(
  { recorder: { journal, vault }, purpose }: SocketSettings,
  observer: Observer,
  { request, intended }: { readonly request: SocketRequest; readonly intended: number },
): void {
  const headers: Record<string, string> = { ...request.headers };
  if (request.protocols.length > 0)
    headers['sec-websocket-protocol'] = request.protocols.join(', ');
  journal.append({
    ...observer,
    surface: 'socket',
    dir: 'act',
    kind: 'open',
    intended: toMicroseconds(intended),
    purpose,
    url: vault.redact(request.url, 'out'),
    headers: vault.redactHeaders(headers, 'out'),
  });
}

/** The target's answer to the upgrade: its headers can hold another user's data like any other. */
export function recordUpgradeAnswer(
  { recorder: { journal, vault }, purpose }: SocketSettings,
  observer: Observer,
  { response, body = '' }: { readonly response: IncomingMessage; readonly body?: string },
): void {
  journal.append(
    {
      ...observer,
      surface: 'http',
      dir: 'in',
      kind: 'response',
      method: 'GET',
      status: response.statusCode,
      purpose,
      headers: vault.redactHeaders(upgradeHeaders(response)),
    },
    body === '' ? undefined : contentOf(vault.redact(body), isJson(body)),
  );
}

/** A ping or pong is no message, but what it carries has been received all the same. */
export function recordControl(
  { recorder: { journal, vault } }: SocketSettings,
  observer: Observer,
  payload: Buffer,
): void {
  journal.append(
    { ...observer, surface: 'socket', dir: 'in', kind: 'ping' },
    contentOf(vault.redact(payload.toString('utf8')), false),
  );
}

/** How a connection ended, and by whom. */
export function recordClose(
  { recorder: { journal, vault }, purpose }: SocketSettings,
  observer: Observer,
  end: { readonly code: number; readonly reason: Buffer; readonly by: 'us' | 'them' },
): void {
  const reason = vault.redact(end.reason.toString('utf8'));
  journal.append({
    ...observer,
    surface: 'socket',
    dir: end.by === 'us' ? 'act' : 'in',
    kind: 'close',
    code: end.code,
    reason: reason === '' ? undefined : reason,
    by: end.by,
    purpose,
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // An error page, or nothing.
  }
}
