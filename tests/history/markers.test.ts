import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ALPHABET,
  MARKER_LENGTH,
  mintMarker,
  newCampaignPrefix,
  parseMarker,
  userIndexOf,
  userPrefix,
  USERS_MAX,
} from '../../history/markers.ts';

describe('a marker', () => {
  test('says whose it is, where it was planted and which one it is', () => {
    const prefix = userPrefix(newCampaignPrefix(), 4711);
    const marker = mintMarker(prefix, 'question', 37);
    expect(marker).toHaveLength(MARKER_LENGTH);
    expect(parseMarker(marker)).toEqual({ userIndex: 4711, place: 'question', ordinal: 37 });
  });

  test('uses no vowel and nothing that JSON, URLs or HTML escape', () => {
    expect(ALPHABET).not.toMatch(/[aeiouy]/);
    for (const place of ['name', 'question', 'note', 'title', 'tool', 'probe'] as const) {
      const marker = mintMarker(userPrefix(newCampaignPrefix(), 0), place, 0);
      expect(marker).toMatch(/^[0-9a-z]+$/);
      expect(encodeURIComponent(marker)).toBe(marker);
    }
  });

  test('is different each time', () => {
    const prefix = userPrefix(newCampaignPrefix(), 1);
    const markers = new Set(Array.from({ length: 1000 }, () => mintMarker(prefix, 'note', 0)));
    expect(markers.size).toBe(1000);
  });

  test('with one character changed is no marker', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: USERS_MAX - 1 }),
        fc.nat({ max: MARKER_LENGTH - 1 }),
        fc.nat({ max: ALPHABET.length - 2 }),
        (user, position, shift) => {
          const marker = mintMarker(userPrefix(newCampaignPrefix(), user), 'note', 0);
          const old = ALPHABET.indexOf(marker.charAt(position));
          const other = ALPHABET.charAt((old + 1 + shift) % ALPHABET.length);
          const changed = marker.slice(0, position) + other + marker.slice(position + 1);
          expect(parseMarker(changed)).toBeUndefined();
        },
      ),
    );
  });

  test('names its user by its beginning alone', () => {
    fc.assert(
      fc.property(fc.nat({ max: USERS_MAX - 1 }), (user) => {
        expect(userIndexOf(userPrefix(newCampaignPrefix(), user))).toBe(user);
      }),
    );
  });

  test('is refused for a user index that no marker can name', () => {
    expect(() => userPrefix(newCampaignPrefix(), USERS_MAX)).toThrow(RangeError);
  });
});
