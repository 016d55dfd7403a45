import { DELIVERED } from './mutations/delivery.ts';
import { ISOLATION } from './mutations/isolation.ts';
import type { Mutation } from './mutations/mutation.ts';
import { ORDER } from './mutations/order.ts';

/** Every way to break a legal history, by its name. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  ...ISOLATION,
  ...ORDER,
  ...DELIVERED,
};
