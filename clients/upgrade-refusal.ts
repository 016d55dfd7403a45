import type { IncomingMessage } from 'node:http';

/** Bytes of an upgrade's refusal that are read. */
const REFUSAL_BYTES_MAX = 64 * 1024;

/** Tells, once, what an upgrade was refused with: as much of it as is read, however it ends. */
export function readRefusal(response: IncomingMessage, tell: (body: string) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  let over = false;
  const finish = (): void => {
    if (over) return;
    over = true;
    tell(Buffer.concat(chunks).toString('utf8'));
  };
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= REFUSAL_BYTES_MAX) chunks.push(chunk);
    else finish();
  });
  response.once('end', finish);
  response.once('error', finish);
  response.once('close', finish);
}
