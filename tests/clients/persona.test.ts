import { describe, expect, test } from 'vitest';
import { personaMaker, type Persona, type PersonaSettings } from '../../clients/persona.ts';
import {
  CUT_OFF_LENGTH_MIN,
  parseMarker,
  USER_PREFIX_LENGTH,
  userPrefix,
} from '../../history/markers.ts';
import netra from '../../targets/netra.ts';

const SETTINGS: PersonaSettings = {
  seed: 'seed-1',
  campaignPrefix: 'xtk0123456',
  trial: 'golden-path-websocket',
  names: netra.names,
  variants: [],
  entries: null,
};
const USERS = 300;
const MARKER = /xtk[0-9b-z]{35}/g;
/** As much as lists of chats and lines of progress show of a text, at the least. */
const SHOWN_LENGTH = 20;
/** What is found of a marker that was cut off. */
const MARKER_BEGINNING = new RegExp(`^xtk[0-9b-z]{${CUT_OFF_LENGTH_MIN - 3}}$`);

function crowd(changes: Partial<PersonaSettings> = {}, users = USERS) {
  const make = personaMaker({ ...SETTINGS, ...changes });
  return Array.from({ length: users }, (_, index) => make(index));
}

const withoutMarkers = (text: string): string => text.replaceAll(MARKER, '…');

describe('personas', () => {
  test('the same seed makes the same names, another seed others', () => {
    const names = (seed: string): string[] =>
      crowd({ seed }).map(({ account }) => withoutMarkers(account.name));
    expect(names('a')).toEqual(names('a'));
    expect(names('a')).not.toEqual(names('b'));
  });

  test('a persona does not depend on which others were made before', () => {
    const make = personaMaker(SETTINGS);
    const last = withoutMarkers(make(7).account.name);
    expect(withoutMarkers(crowd()[7]?.account.name ?? '')).toBe(last);
  });

  test('users who are alike have names that look the same, and mail names around one another', () => {
    const group = crowd({ alike: true }, 8);
    const locals = group.map(({ account }) => account.email.split('@')[0] ?? '');
    const [first = '', , , , second = ''] = locals;
    expect(locals.slice(0, 4)).toEqual([first, `${first}-b`, `${first}_b`, `private-${first}`]);
    expect(second).not.toBe(first);
    expect(new Set(locals).size).toBe(8);
    const names = group.slice(0, 5).map(({ account }) => withoutMarkers(account.name));
    expect(new Set(names).size).toBe(5);
    const [composed = '', decomposed = ''] = names;
    expect(decomposed).not.toBe(composed);
    expect(decomposed.normalize('NFC')).toBe(composed);
  });

  test('nearly equal questions differ in capitals, spaces, number and marker alone', () => {
    const ask = (nearQuestions: boolean): string[] =>
      crowd({ nearQuestions }, 8).map((persona) => persona.question(1).content);
    const bare = (text: string): string =>
      withoutMarkers(text).toLowerCase().replaceAll(/\d+/g, '0').replaceAll(/ +/g, ' ');
    const near = ask(true);
    expect(new Set(near.map(bare)).size).toBe(1);
    expect(
      new Set(near.map((text) => withoutMarkers(text).replaceAll(/\d+/g, '0'))).size,
    ).toBeGreaterThan(3);
    for (const text of near) expect(text.match(MARKER)).toHaveLength(1);
    expect(bare(near[0] ?? '')).toBe(bare(ask(false)[0] ?? ''));
  });

  test('no two e-mails begin with the same four characters', () => {
    const locals = crowd().map(({ account }) => account.email.split('@')[0] ?? '');
    expect(new Set(locals.map((local) => local.slice(0, 4))).size).toBe(USERS);
    for (const local of locals) expect(local).toMatch(/^[0-9bcdfghjklmnpqrstvwxz]{15}$/);
  });

  test('two trials of a campaign share no e-mail', () => {
    const one = new Set(crowd().map(({ account }) => account.email));
    for (const { account } of crowd({ trial: 'other-websocket' }))
      expect(one.has(account.email)).toBe(false);
  });

  test('nothing a persona says holds a word that the target wants avoided', () => {
    for (const persona of crowd()) {
      const said = [
        persona.account.name,
        persona.title().text,
        persona.note().text,
        persona.question(1).content,
      ];
      for (const word of netra.names.avoidWords)
        expect(said.join('\n').toLowerCase()).not.toContain(word);
    }
  });

  test('every planted marker is whole and names its user and place', () => {
    const [, persona] = crowd({}, 2);
    expect(parseMarker(persona?.nameMarker ?? '')).toMatchObject({ userIndex: 1, place: 'name' });
    expect(persona?.account.name).toContain(persona?.nameMarker);
    expect(parseMarker(persona?.title().marker ?? '')).toMatchObject({ place: 'title' });
    expect(parseMarker(persona?.note().marker ?? '')).toMatchObject({ place: 'note' });
    expect(parseMarker(persona?.question(2).marker ?? '')).toMatchObject({
      place: 'question',
      ordinal: 2,
    });
  });

  test.each([
    ['names', (persona: Persona) => persona.account.name],
    ['titles', (persona: Persona) => persona.title().text],
    ['notes', (persona: Persona) => persona.note().text],
    ['questions', (persona: Persona) => persona.question(1).content],
  ])('the first letters of %s, as others are shown them, name their user', (_what, said) => {
    for (const variants of [[], ['unicode-names']])
      for (const [index, persona] of crowd({ variants }, 5).entries()) {
        const shown = said(persona).slice(0, SHOWN_LENGTH);
        expect(shown).toMatch(MARKER_BEGINNING);
        expect(shown.slice(0, USER_PREFIX_LENGTH)).toBe(userPrefix(SETTINGS.campaignPrefix, index));
      }
  });

  test('questions are equal but for the marker and a number', () => {
    const asked = crowd({}, 50).flatMap((persona) => [persona.question(1), persona.question(2)]);
    const plain = asked.map(({ content }) => withoutMarkers(content).replaceAll(/\d+/g, '#'));
    expect(new Set(plain).size).toBe(1);
    expect(new Set(asked.map(({ content }) => content)).size).toBe(asked.length);
  });

  test('equal questions are equal and hold no marker', () => {
    const asked = crowd({ variants: ['equal-questions'] }, 20).map((one) => one.question(1));
    expect(new Set(asked.map(({ content }) => content)).size).toBe(1);
    expect(asked.every(({ marker }) => marker === undefined)).toBe(true);
  });

  test('unicode names mix scripts and directions and keep their markers', () => {
    const personas = crowd({ variants: ['unicode-names'] }, 20);
    const names = personas.map(({ account }) => account.name).join('\n');
    expect(names).toMatch(/\p{Script=Arabic}/u);
    expect(names).toMatch(/\p{Script=Han}/u);
    expect(names).toMatch(/\p{Extended_Pictographic}/u);
    for (const { account, nameMarker } of personas) expect(account.name).toContain(nameMarker);
    const { content, marker } = personas[0]?.question(1) ?? { content: '', marker: '' };
    expect(content).toContain(marker);
    expect(content).toMatch(/\p{Script=Hebrew}/u);
  });

  test('passwords are long, strong and never the same', () => {
    const passwords = crowd().map(({ account }) => account.password ?? '');
    expect(new Set(passwords).size).toBe(USERS);
    for (const password of passwords) expect(password).toMatch(/^(?=.*[A-Z])(?=.*\d).{24,}$/);
  });

  test('an entry of a users file is taken as it is, its e-mail from the token if need be', () => {
    const claims = Buffer.from('{"email":"ada@example.com"}').toString('base64url');
    const [ada, bob] = crowd(
      {
        entries: [
          { token: `h.${claims}.s` },
          { email: 'bob@example.com', password: 'their own word' },
        ],
      },
      2,
    );
    expect(ada?.account).toMatchObject({ email: 'ada@example.com', token: `h.${claims}.s` });
    expect(bob?.account).toMatchObject({ email: 'bob@example.com', password: 'their own word' });
    expect(ada?.nameMarker).toBeUndefined();
  });
});
