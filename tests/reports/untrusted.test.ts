import { describe, expect, it } from 'vitest';
import { showUntrusted, showUntrustedUpTo } from '../../reports/untrusted.ts';
import { HOSTILE } from './verdicts.ts';

describe('untrusted text', () => {
  it('shows what would act on a terminal instead of letting it act', () => {
    const shown = showUntrusted(HOSTILE);
    expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(shown).toContain(String.raw`\u{1b}[2J`);
    expect(shown).toContain(String.raw`first\u{d}\u{a}PASS`);
    expect(shown).toContain(String.raw`\u{202e}evil\u{202c}`);
    expect(shown).toContain(String.raw`zero\u{200b}width\u{feff}`);
    expect(shown).toContain(String.raw`\u{d800} lone`);
  });

  it('shows commands of build servers instead of letting them be obeyed', () => {
    expect(showUntrusted('  ::add-mask::x')).toBe(String.raw`  \u{3a}:add-mask::x`);
    expect(showUntrusted('a ##[error]b ##vso[task]c')).toBe(
      String.raw`a \u{23}#[error]b \u{23}#vso[task]c`,
    );
    expect(showUntrusted('std::string, ## heading')).toBe('std::string, ## heading');
  });

  it('leaves readable text of any script as it is', () => {
    for (const text of ['Zoë Ångström', 'Владимир', '佐藤', 'محمد', 'שרה', 'अनीता', '🦊'])
      expect(showUntrusted(text)).toBe(text);
  });

  it('cuts long text without splitting a character', () => {
    expect(showUntrustedUpTo('🦊🦊🦊🦊', 3)).toBe('🦊🦊…');
    expect(showUntrustedUpTo('abc', 3)).toBe('abc');
    expect(showUntrustedUpTo('x'.repeat(10_000_000), 5)).toBe('xxxx…');
  });
});
