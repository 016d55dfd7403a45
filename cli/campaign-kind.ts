import { TRANSPORTS, type Transport } from '../clients/plan.ts';

/** What a command that runs a campaign does when nobody says otherwise. */
export interface CampaignKind {
  readonly command: 'run' | 'signoff';
  /** Scenarios to run: one by name, or those with a tag (without `@`). */
  readonly scenarios: { readonly name: string } | { readonly tag: string };
  readonly transports: readonly Transport[];
  /** Whether the campaign decides on a release, and is worth less when it is narrowed. */
  readonly decides: boolean;
}

export const RUN: CampaignKind = {
  command: 'run',
  scenarios: { name: 'golden-path' },
  transports: ['websocket', 'browser'],
  decides: false,
};

export const SIGNOFF: CampaignKind = {
  command: 'signoff',
  scenarios: { tag: 'signoff' },
  transports: TRANSPORTS,
  decides: true,
};
