import { createHash } from 'node:crypto';
import type { GuaranteeCase, TrialCases } from './cases.ts';

/** What a test report knows a case by: the same every night, another for each trial of a campaign. */
export function identifierOf(suite: TrialCases, entry: GuaranteeCase): string {
  return `crosstalk: ${suite.name}: ${entry.name}`;
}

/** A UUID (of version 8, made from SHA-256) that depends on a text alone. */
export function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0b11) | 0b1000).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
