import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeCast } from '../../bench/cast.ts';
import { writeHistory } from '../../bench/history-file.ts';
import { judgeHistory } from '../../assertions/judge.ts';
import type { Summary, Verdict } from '../../history/verdict.ts';
import { renderReportHtml } from '../../reports/html/report-page.tsx';
import { mapMatrix } from '../../reports/html/matrix-map.ts';
import { readTrialRecord } from '../../reports/html/trial-record.ts';
import { showUntrusted } from '../../reports/untrusted.ts';
import { handMadeHistory } from '../cli/histories.ts';
import { campaignOf, crowdVerdict, hostileCampaign, VECTORS } from './html-campaigns.ts';
import { failureOf, findingOf, verdictOf } from './verdicts.ts';

const directory = mkdtempSync(join(tmpdir(), 'crosstalk-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a reader of a part of the page reads. Enough of HTML for what the renderer writes. */
function textOf(html: string): string {
  return html
    .replaceAll(/<style[\s\S]*?<\/style>/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ');
}

/** The first screen. */
function bannerOf(html: string): string {
  return textOf(/<header[\s\S]*?<\/header>/.exec(html)?.[0] ?? '');
}

function attributesOf(html: string, name: string): string[] {
  return [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value);
}

describe('the first screen', () => {
  const openVerdict = verdictOf({
    verdict: 'inconclusive',
    cause: 'unavailable',
    reasons: ['the target could not be reached'],
    rules: [{ rule: 'isolation/foreign-marker', outcome: 'inconclusive', examined: 0 }],
  });
  const slow = findingOf({
    rule: 'gate/first-event',
    observer: null,
    owner: null,
    message: 'first-event p95 was 1520 ms, the limit is 1000 ms',
  });

  it.each([
    ['a pass', verdictOf(), ['PASS', 'Nothing here speaks against shipping', 'Isolation kept']],
    [
      'a leak',
      failureOf([findingOf()]),
      ['FAIL', 'Do not ship.', 'shown what belongs to other users', 'Isolation violated', 'u07'],
    ],
    [
      'a gate that is not met',
      failureOf([slow]),
      ['FAIL', 'Do not ship.', 'service levels', 'Service levels not met', '1520 ms'],
    ],
    [
      'what is not proven',
      openVerdict,
      ['INCONCLUSIVE', 'neither yes nor no', 'could not be reached', 'Isolation not proven'],
    ],
  ])('says of %s whether to ship, and why', (_, verdict, parts) => {
    const banner = bannerOf(renderReportHtml(campaignOf(verdict)));
    for (const part of parts) expect(banner).toContain(part);
  });

  it('claims no bound of the leak rate where nothing passed', () => {
    expect(textOf(renderReportHtml(campaignOf(verdictOf())))).toContain('0.083 %');
    expect(textOf(renderReportHtml(campaignOf(openVerdict)))).not.toContain('0.083 %');
  });

  it('takes an empty matrix for clean only where the trial passed', () => {
    const { matrix } = crowdVerdict(3);
    const empty = { matrix: { ...matrix, cells: [] } };
    const textFor = (verdict: Verdict): string =>
      textOf(renderReportHtml(campaignOf({ ...verdict, ...empty })));
    expect(textFor(verdictOf())).toContain('every cell is empty');
    expect(textFor(openVerdict)).toContain('Nothing foreign was seen, and that proves nothing');
  });

  it('claims of nothing but a pass as a whole that anything was kept', () => {
    const failed = failureOf([findingOf({ rule: 'order/missing-event' })]);
    const rules = [...failed.rules, ...verdictOf().rules];
    const banner = bannerOf(renderReportHtml(campaignOf({ ...failed, rules })));
    expect(banner).toContain('Isolation no violation seen');
    expect(banner).not.toContain('kept');
  });

  it('has the word of the release gate where there was one', () => {
    const campaign = campaignOf(verdictOf());
    const summary: Summary = { ...campaign.summary, signoff: 'GO' };
    expect(bannerOf(renderReportHtml({ ...campaign, summary }))).toMatch(/GO Ship\./);
  });

  it('is there without any trial', () => {
    const html = renderReportHtml(campaignOf());
    expect(bannerOf(html)).toContain('no trial was judged');
    expect(html).not.toContain('<data value="NaN"');
  });
});

describe('numbers', () => {
  it('all stand in the files, or count what stands there', () => {
    const campaign = campaignOf(crowdVerdict(10), verdictOf());
    const known = numbersOf([campaign.summary, campaign.trials.map(({ verdict }) => verdict)]);
    const html = renderReportHtml(campaign);
    const shown = attributesOf(html, 'value').map(Number);
    expect(shown.length).toBeGreaterThan(100);
    expect(shown.filter((value) => !known.has(value))).toEqual([]);
  });

  it('all are marked as what they are, but for names and fixed words', () => {
    const html = renderReportHtml(campaignOf(crowdVerdict(10)));
    const prose = html
      .replaceAll(/<head[\s\S]*?<\/head>/g, '')
      .replaceAll(/<(data|code|pre|bdi|svg)\b[\s\S]*?<\/\1>/g, '');
    const words = textOf(prose).replaceAll(/\bp(?:50|95|99)\b|95 %/g, '');
    expect(words).not.toMatch(/\d/);
  });

  it('are shown as they are, in a reader’s units', () => {
    const html = renderReportHtml(campaignOf(crowdVerdict(10)));
    for (const [, value = '', text = ''] of html.matchAll(
      /<data value="([^"]*)">([^<]*)<\/data>/g,
    )) {
      const number = Number(text.replaceAll(',', '').replace(/ (?:ms|s|%|min.*)$/, ''));
      const unit = text.endsWith(' s') ? 1000 : text.endsWith(' %') ? 0.01 : 1;
      expect(Math.abs(number * unit - Number(value))).toBeLessThanOrEqual(0.051 * unit);
    }
  });
});

/** Every number in some documents, and the length of every list and of every kind of finding in it. */
function numbersOf(value: unknown): Set<number> {
  const numbers = new Set<number>();
  const visit = (node: unknown): void => {
    if (typeof node === 'number') numbers.add(node);
    if (typeof node !== 'object' || node === null) return;
    if (Array.isArray(node)) numbers.add(node.length);
    for (const child of Object.values(node)) visit(child);
  };
  visit(value);
  return numbers;
}

describe('a page that nothing can act on', () => {
  const html = renderReportHtml(hostileCampaign());

  it('has no element or address that a target could have brought', () => {
    expect(html).not.toMatch(/<(?:script|iframe|object|form|base|math|img|animate|textarea)\b/i);
    expect(html.match(/<style/g)).toHaveLength(1);
    expect(html.match(/<link/g)).toHaveLength(1);
    expect(html).not.toMatch(/<[^>]*\son\w+=/i);
    for (const href of attributesOf(html, 'href')) expect(href).toMatch(/^(?:#|data:,$)/);
  });

  it('shows every vector as text', () => {
    const text = textOf(html);
    for (const vector of VECTORS)
      expect(text).toContain(textOf(escaped(showUntrusted(`seen: ${vector}`))));
  });

  it('holds nothing that hides or reorders text', () => {
    expect(html.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
  });

  it('allows its own style sheet, pictures within it and nothing else', () => {
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(html).toContain(
      `content="default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'"`,
    );
    expect(style).not.toMatch(/url\(|@import/);
    expect(html).not.toMatch(/<[^>]*\sstyle="/);
  });
});

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

describe('a large crowd', () => {
  it.each([100, 1000])(
    'of %d users shows those that matter, and says how many are left out',
    (n) => {
      const started = performance.now();
      const html = renderReportHtml(campaignOf(crowdVerdict(n)));
      expect(performance.now() - started).toBeLessThan(5000);
      expect(html.length).toBeLessThan(2 * 1024 * 1024);
      const text = textOf(html);
      expect(text).toContain(`${(n - 50).toLocaleString('en-US')} more users not shown here`);
      expect(text).toContain('should be empty and are not');
    },
  );

  it('of 1,000 users is drawn from its history too', () => {
    const history = join(directory, 'crowd.ndjson');
    writeHistory(history, makeCast(1000, 1));
    const verdict = judgeHistory(history);
    const trial = { verdict, dir: '.', history, verdictFile: null };
    const html = renderReportHtml({ ...campaignOf(verdict), trials: [trial] });
    expect(verdict.trial.users).toBe(1000);
    expect(html.match(/<g class="lane">/g)).toHaveLength(24);
    expect(html.match(/<path class="event e4"/g)?.length).toBeGreaterThanOrEqual(24);
    expect(textOf(html)).toContain('976 more users not shown here');
    expect(html.length).toBeLessThan(2 * 1024 * 1024);
  });

  it('that leaks everywhere fills its matrix in a few kilobytes', () => {
    const users = 1000;
    const cells = Array.from({ length: users * 200 }, (_, index): [number, number, number] => {
      const observer = Math.floor(index / 200);
      return [observer, (observer + 1 + (index % 200)) % users, 1 + (index % 3)];
    });
    const map = mapMatrix(users, cells);
    expect(map).toMatchObject({ tiles: 200, usersPerTile: 5 });
    expect(map.shades.join('').length).toBeLessThan(300_000);
  });

  it('has a tile for a single sighting, however many there are elsewhere', () => {
    const { shades } = mapMatrix(100, [
      [3, 7, 1],
      [50, 60, 100_000],
      [50, 61, 100_000],
      [9, -1, 5],
    ]);
    expect(shades[0]).toBe('M7 3h1v1h-1z');
    expect(shades[3]).toBe('M60 50h2v1h-2z');
  });
});

describe('a recorded leak', () => {
  const made = handMadeHistory();
  const secret = `before ${'x'.repeat(200)} the note says ${made.foreignMarker} <b>bold</b> \u202eevil`;
  const dir = join(directory, 'leak');
  const path = join(dir, 'history.ndjson');
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    path,
    made.receives({ type: 'tool_completed', payload: { result: secret } }).ends().text,
  );
  const verdict: Verdict = judgeHistory(path, { calibrate: true });
  const trial = { verdict, dir: 'leak', history: path, verdictFile: null };
  const html = renderReportHtml({ ...campaignOf(verdict), trials: [trial] });

  it('is quoted as it was recorded, with what names its owner highlighted', () => {
    const finding = verdict.findings.find(({ rule }) => rule === 'isolation/foreign-marker');
    expect(finding).toMatchObject({ observer: 'u01', owner: 'u00' });
    const cards = html.match(/<article[\s\S]*?<\/article>/g) ?? [];
    const card = cards.find((text) => text.includes('question marker of u00')) ?? '';
    const quoted = /<pre>[\s\S]*?<\/pre>/.exec(card)?.[0] ?? '';
    expect(quoted).toContain(`<strong>${made.foreignMarker}</strong>`);
    const excerpt = (finding?.witness[0]?.excerpt ?? '').replaceAll('…', '');
    expect(textOf(quoted).replaceAll(' ', '')).toContain(
      showUntrusted(excerpt).replaceAll(' ', ''),
    );
    expect(quoted).not.toContain('<b>');
    expect(textOf(quoted)).toContain(String.raw`\u{202e}evil`);
  });

  it('is an arrow from the lane of its owner to that of its observer', () => {
    const lanes = [...html.matchAll(/<g class="lane"><text x="0" y="(\d+)">(u\d\d)</g)];
    const laneOf = (user: string): number =>
      Number(lanes.find(([, , name]) => name === user)?.[1] ?? NaN) - 4;
    const arrow = /<g class="leak"><path d="M([\d.]+) ([\d.]+)C[^"]* ([\d.]+) ([\d.]+)"/.exec(html);
    expect(Number(arrow?.[2])).toBe(laneOf('u00'));
    expect(Number(arrow?.[4])).toBe(laneOf('u01'));
  });

  it('comes with why it matters, how to fix it and how to see it again', () => {
    const text = textOf(html);
    for (const part of ['Why it matters', 'How to fix', verdict.trial.reproduce, 'tool_completed'])
      expect(text).toContain(part);
  });

  it('is told without its history too', () => {
    const gone = { ...trial, history: join(directory, 'nowhere', 'history.ndjson') };
    const alone = renderReportHtml({ ...campaignOf(verdict), trials: [gone] });
    expect(textOf(alone)).toContain('No readable history lies beside the verdict');
    expect(alone).toContain(made.foreignMarker);
  });
});

describe('what is taken from a history', () => {
  it('tells an event of another’s run from those of a run that is known late', () => {
    const [header = ''] = handMadeHistory().lines;
    const harness = { conn: null, surface: 'harness', dir: 'act' };
    const socket = { conn: 'c', surface: 'socket', dir: 'in', kind: 'frame' };
    const lines = [
      { user: 'u00', ...harness, kind: 'act', act: 'ask' },
      { user: 'u00', ...socket, event: 'agent_started', run: 'r0' },
      { user: 'u01', ...socket, event: 'agent_started', run: 'r0' },
      { user: 'u00', ...harness, kind: 'identity', ids: { run: 'r0' } },
    ].map((line, n) => JSON.stringify({ n, t: 10 * n, ...line }));
    const path = join(directory, 'strays.ndjson');
    writeFileSync(path, [header, ...lines, ''].join('\n'));
    const lanes = new Set(['u00', 'u01']);
    const record = readTrialRecord(path, verdictOf(), { lanes, findings: [] });
    const strays = [...lanes].map((user) =>
      record?.lanes.get(user)?.received.map(({ stray }) => stray),
    );
    expect(strays).toEqual([[false], [true]]);
  });

  it('says when its owner planted what was seen', () => {
    const made = handMadeHistory();
    const header = made.lines[0] ?? '';
    const plant = {
      n: 0,
      t: 5,
      user: 'u00',
      conn: null,
      surface: 'harness',
      dir: 'act',
      kind: 'act',
      act: 'plant',
      marker: made.foreignMarker,
    };
    const frame = {
      n: 1,
      t: 90,
      user: 'u01',
      conn: 'u01#1',
      surface: 'socket',
      dir: 'in',
      kind: 'frame',
      event: 'tool_completed',
      frame: { result: made.foreignMarker },
    };
    const path = join(directory, 'origin.ndjson');
    writeFileSync(path, [header, JSON.stringify(plant), JSON.stringify(frame), ''].join('\n'));
    const finding = findingOf({
      observer: 'u01',
      owner: 'u00',
      witness: [{ line: 3, excerpt: made.foreignMarker }],
    });
    const record = readTrialRecord(path, verdictOf(), {
      lanes: new Set(['u00', 'u01']),
      findings: [finding],
    });
    expect(record?.origins.get(finding)).toBe(5);
    const [witness] = finding.witness;
    expect(witness && record?.frames.get(witness)).toMatchObject({
      user: 'u01',
      before: '{"result":"',
      excerpt: made.foreignMarker,
      after: '"}',
    });
  });
});

describe('pictures of pages', () => {
  const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(64)]);
  const dir = join(directory, 'pictures', 'trials', 'one');
  mkdirSync(join(dir, 'screenshots'), { recursive: true });
  const render = (screenshot: string): string => {
    const verdict = failureOf([findingOf({ screenshot }), findingOf({ screenshot, owner: 'u01' })]);
    const trial = { verdict, dir: 'trials/one', history: join(dir, 'h.ndjson'), verdictFile: null };
    return renderReportHtml({ ...campaignOf(verdict), trials: [trial] });
  };

  it('are part of the page, once however many findings they show', () => {
    writeFileSync(join(dir, 'screenshots', 'u03.png'), PNG);
    const html = render('screenshots/u03.png');
    expect(html).toContain(`src="data:image/png;base64,${PNG.toString('base64')}"`);
    expect(html).toContain('alt="The page of u03 as it was shown"');
    expect(html.match(/<img/g)).toHaveLength(1);
    expect(html).toContain('shown <a href="#t0-finding-0">above</a>');
  });

  it.each([
    ['too large', 'screenshots/large.png', Buffer.concat([PNG, Buffer.alloc(2 * 1024 * 1024)])],
    ['no picture', 'screenshots/text.png', Buffer.from('<svg onload=alert(1)>')],
    ['missing', 'screenshots/missing.png', undefined],
    ['outside of the trial', '../../secret.png', PNG],
  ])('are named only where they are %s', (_, path, bytes) => {
    if (bytes !== undefined) writeFileSync(join(dir, path), bytes);
    const html = render(path);
    expect(html).not.toContain('<img');
    expect(html).toContain(path);
  });
});
