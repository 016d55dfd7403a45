import { decodeJwt } from 'jose';
import { asFrame, type Frame } from './frames.ts';

/**
 * What a token claims, unverified: the target verifies, we only want to know whose it claims to be, and until
 * when. Undefined for what is no JWT.
 */
export function claimsOf(token: string): Frame | undefined {
  try {
    return asFrame(decodeJwt(token));
  } catch {
    return undefined;
  }
}
