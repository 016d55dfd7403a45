import { describe, expect, test } from 'vitest';
import { HistoryBuilder, clean, who } from '../history-builder.ts';

describe('isolation/foreign-run and foreign-identity', () => {
  describe('ids that one text may mean', () => {
    const own = { kind: 'identity', surface: 'harness', dir: 'act', conn: null } as const;
    const uuid = '0b3cf9fb-b91e-40c0-814a-2f5edda0c7d0';
    const shown = (history: HistoryBuilder, to: string, text: string) => {
      const content = JSON.stringify({ type: 'notice', text });
      history.add(to, { event: 'notice', contentKind: 'frame', content });
      return [...history.findings('foreign-run'), ...history.findings('foreign-identity')].map(who);
    };

    test('a UUID is found without its prefix, and accuses nobody who has an id of it', () => {
      const story = () => {
        const history = clean();
        history.add('u01', { ...own, ids: { thread: `thread_${uuid}`, run: `run_${uuid}` } });
        history.add('u02', { ...own, ids: { connection: `conn_${uuid}` } });
        return history;
      };
      for (const text of [uuid, uuid.replaceAll('-', ''), `run_${uuid.replaceAll('-', '')}`]) {
        expect(shown(story(), 'u00', text)).toEqual(['u00 of u01']);
        expect(shown(story(), 'u01', text)).toEqual([]);
        expect(shown(story(), 'u02', text)).toEqual(text.startsWith('run') ? ['u02 of u01'] : []);
      }
    });

    test('ids that differ in case only are told apart', () => {
      const story = () => {
        const history = clean();
        history.add('u01', { ...own, ids: { user: 'usr_aaaab' } });
        history.add('u02', { ...own, ids: { user: 'usr_aaaaB' } });
        return history;
      };
      expect(shown(story(), 'u01', 'usr_aaaab, USR_AAAAB')).toEqual([]);
      expect(shown(story(), 'u02', 'usr_aaaaB, USR_AAAAB')).toEqual([]);
      expect(shown(story(), 'u01', 'usr_aaaab, usr_aaaaB')).toEqual(['u01 of u02']);
      expect(shown(story(), 'u02', 'usr_aaaab')).toEqual(['u02 of u01']);
      expect(shown(story(), 'u00', 'USR_AAAAB')).toEqual(['u00 of u01']);
    });
  });

  describe('of users one of whose names begins with, ends with or holds that of another', () => {
    const NAMES = { u00: 'e2e-ann', u01: 'e2e-ann-b', u02: 'corp/e2e-ann-b' };
    const named = () => {
      const history = new HistoryBuilder(4);
      for (const [user, id] of Object.entries(NAMES))
        history.add(user, { kind: 'identity', surface: 'harness', dir: 'act', ids: { user: id } });
      return history.start().round();
    };
    const shows = (history: HistoryBuilder, to: string, text: string) => {
      const content = JSON.stringify({ type: 'notice', text });
      history.add(to, { event: 'notice', contentKind: 'frame', content });
      return history.findings('foreign-identity').map(who).toSorted();
    };

    test('the whole name alone is meant', () => {
      const history = named();
      for (const [user, id] of Object.entries(NAMES))
        expect(shows(history, user, `hello ${id}, your key is chat_${id}_7`)).toEqual([]);
      expect(history.verdict().verdict).toBe('pass');
    });

    test('a longer one that is a third user’s accuses of that one', () => {
      expect(shows(named(), 'u03', 'who is e2e-ann-b?')).toEqual(['u03 of u01']);
      expect(shows(named(), 'u00', 'who is e2e-ann-b?')).toEqual(['u00 of u01']);
      expect(shows(named(), 'u01', 'who is corp/e2e-ann-b?')).toEqual(['u01 of u02']);
    });

    test('the longer one may become known later than it is received', () => {
      const signsIn = (text: string, owner: string) => {
        const history = new HistoryBuilder(3);
        const own = { kind: 'identity', surface: 'harness', dir: 'act', conn: null } as const;
        history.add('u00', { ...own, ids: { user: 'e2e-ann' } });
        history.add('u01', {
          surface: 'http',
          kind: 'response',
          status: 200,
          conn: null,
          contentKind: 'frame',
          content: JSON.stringify({ id: text }),
        });
        history.add(owner, { ...own, ids: { user: 'e2e-ann-b' } });
        return history.start().round().findings('foreign-identity').map(who);
      };
      expect(signsIn('e2e-ann-b', 'u01')).toEqual([]);
      expect(signsIn('e2e-ann-b', 'u02')).toEqual(['u01 of u02']);
      for (const text of ['e2e-ann-c', 'e2e-ann', 'e2e-ann-b, not e2e-ann', 'e2e-ann-b/e2e-ann-c'])
        expect([text, signsIn(text, 'u01')]).toEqual([text, ['u01 of u00']]);
    });

    test('a streamed one that goes on with something else is found', () => {
      const history = named();
      for (const { name } of history.people) history.ask(name);
      for (const text of ['who is e2e-', 'ann-', 'nobody'])
        history.event('u01', 'agent_chunk', { payload: { text } });
      expect(history.findings('foreign-identity').map(who)).toEqual(['u01 of u00']);
    });

    test('the shorter one is found wherever it stands by itself', () => {
      expect(shows(named(), 'u01', 'e2e-ann-b was e2e-ann')).toEqual(['u01 of u00']);
      expect(shows(named(), 'u02', 'e2e-ann, corp/e2e-ann-b')).toEqual(['u02 of u00']);
      expect(shows(named(), 'u01', 'e2e-ann-c')).toEqual(['u01 of u00']);
      expect(shows(named(), 'u02', 'corp/e2e-ann')).toEqual(['u02 of u00']);
    });
  });
});
