/**
 * What a thrown value says; anything may be thrown. Errors of sockets that were refused at several addresses
 * have a code and no message.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
