import { describe, expect, it } from 'vitest';
import reference from '../../targets/reference.ts';
import { referencePage } from '../../targets/reference-page.ts';
import { sessionOf } from './fake-http.ts';

describe('the page of the embedded target', () => {
  it.each<[unknown, unknown]>([
    [
      { type: 'user_message', payload: { content: 'x', thread_id: 'thread_1', run_id: 'run_1' } },
      { run: 'run_1', thread: 'thread_1' },
    ],
    [{ type: 'user_message' }, { run: undefined, thread: undefined }],
    [{ type: 'stop_agent', payload: { run_id: 'run_1' } }, undefined],
    [{ type: 'resume', payload: { run_id: 'run_1', after: 3 } }, undefined],
    [[], undefined],
    [null, undefined],
  ])('asks with the frame %j, or does not', (frame, expected) => {
    expect(referencePage.asked(frame)).toEqual(expected);
  });

  it('knows where the page keeps a session, and leaves out a refresh token that there is none of', () => {
    const entries = reference.page?.signIn.entries?.(sessionOf('user-7'));
    expect(entries).toEqual({ jwt_token: 'token-of-the-session' });
    const both = { ...sessionOf('user-7'), refreshToken: 'refresh-1' };
    expect(reference.page?.signIn.entries?.(both)).toMatchObject({ refresh_token: 'refresh-1' });
  });

  it('has a form for people who exist and one to make them', () => {
    const { forms } = reference.page?.signIn ?? {};
    expect(forms?.password).toMatchObject({ path: '/login', submit: '[data-testid=login-submit]' });
    expect(forms?.register).toMatchObject({ submit: '[data-testid=register-submit]' });
    expect(forms?.password?.name).toBeUndefined();
  });
});
