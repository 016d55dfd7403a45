import type { RuleName } from './rules.ts';

/** The entries of public standards that a rule answers; an empty list where none fits honestly. */
export interface StandardEntries {
  /** Requirements of the OWASP ASVS, in its own notation: `v5.0.0-<chapter>.<section>.<number>`. */
  readonly asvs: readonly string[];
  /** Tests of the OWASP Web Security Testing Guide, such as `WSTG-CLNT-10`. */
  readonly wstg: readonly string[];
  /** Weaknesses of MITRE's list, such as `CWE-488`. */
  readonly cwe: readonly string[];
}

/** What standards say of data that reached the wrong user over the event stream. */
const STRAY_DATA: StandardEntries = {
  asvs: ['v5.0.0-8.2.2', 'v5.0.0-8.4.1'],
  wstg: ['WSTG-CLNT-10', 'WSTG-APIT-02'],
  cwe: ['CWE-488'],
};

/** Rules about the evidence judge the harness, and timing is a matter of contract: no entry fits. */
const NONE: StandardEntries = { asvs: [], wstg: [], cwe: [] };

/** Which requirement, test and weakness of ASVS 5.0, WSTG and CWE each rule answers. */
export const STANDARDS: Readonly<Record<RuleName, StandardEntries>> = {
  'isolation/misdelivered-event': STRAY_DATA,
  'isolation/unsolicited-run': STRAY_DATA,
  'isolation/unattributable-event': {
    asvs: ['v5.0.0-8.2.2', 'v5.0.0-8.3.1'],
    wstg: ['WSTG-CLNT-10'],
    cwe: ['CWE-862'],
  },
  'isolation/foreign-run': {
    asvs: ['v5.0.0-8.2.3', 'v5.0.0-15.3.1'],
    wstg: ['WSTG-CLNT-10', 'WSTG-APIT-02'],
    cwe: ['CWE-201', 'CWE-488'],
  },
  'isolation/foreign-identity': {
    asvs: ['v5.0.0-8.2.3', 'v5.0.0-8.4.1', 'v5.0.0-15.4.1'],
    wstg: ['WSTG-SESS-01', 'WSTG-CLNT-10'],
    cwe: ['CWE-488', 'CWE-359'],
  },
  'isolation/foreign-marker': {
    asvs: ['v5.0.0-8.2.2', 'v5.0.0-8.4.1', 'v5.0.0-14.2.2'],
    wstg: ['WSTG-CLNT-10', 'WSTG-APIT-02'],
    cwe: ['CWE-488', 'CWE-200'],
  },
  'isolation/foreign-credential': {
    asvs: ['v5.0.0-14.2.6', 'v5.0.0-15.3.1', 'v5.0.0-16.2.5'],
    wstg: ['WSTG-SESS-04'],
    cwe: ['CWE-522', 'CWE-201'],
  },
  'isolation/shared-identifier': {
    asvs: ['v5.0.0-7.2.3'],
    wstg: ['WSTG-SESS-01'],
    cwe: ['CWE-694', 'CWE-488'],
  },
  'isolation/wrong-answer': {
    asvs: ['v5.0.0-14.2.2', 'v5.0.0-15.4.1', 'v5.0.0-8.4.1'],
    wstg: ['WSTG-CLNT-10'],
    cwe: ['CWE-488', 'CWE-362', 'CWE-524'],
  },
  'isolation/shared-token': {
    asvs: ['v5.0.0-7.2.3'],
    wstg: ['WSTG-SESS-01'],
    cwe: ['CWE-201'],
  },
  'isolation/residue': {
    asvs: ['v5.0.0-14.3.1', 'v5.0.0-14.3.2', 'v5.0.0-14.3.3'],
    wstg: ['WSTG-CLNT-12', 'WSTG-ATHN-06'],
    cwe: ['CWE-922', 'CWE-525'],
  },
  'isolation/unauthorized-access': {
    asvs: [
      'v5.0.0-8.2.1',
      'v5.0.0-8.2.2',
      'v5.0.0-4.4.2',
      'v5.0.0-4.4.3',
      'v5.0.0-9.1.1',
      'v5.0.0-9.1.2',
    ],
    wstg: ['WSTG-ATHZ-02', 'WSTG-ATHZ-04', 'WSTG-APIT-02', 'WSTG-CLNT-10', 'WSTG-SESS-10'],
    cwe: ['CWE-639', 'CWE-862', 'CWE-347', 'CWE-1385'],
  },
  'isolation/stale-authority': {
    asvs: ['v5.0.0-7.4.1', 'v5.0.0-8.3.2', 'v5.0.0-9.2.1'],
    wstg: ['WSTG-SESS-06', 'WSTG-SESS-07'],
    cwe: ['CWE-613'],
  },
  'isolation/interference': {
    asvs: ['v5.0.0-8.4.1', 'v5.0.0-15.2.2'],
    wstg: ['WSTG-APIT-02'],
    cwe: ['CWE-653', 'CWE-639'],
  },
  'isolation/wire-page-mismatch': {
    asvs: ['v5.0.0-8.3.1'],
    wstg: ['WSTG-CLNT-10'],
    cwe: ['CWE-451', 'CWE-602'],
  },

  'order/missing-event': { asvs: ['v5.0.0-16.5.3'], wstg: [], cwe: ['CWE-755'] },
  'order/unclosed-tool': { asvs: ['v5.0.0-16.5.3'], wstg: [], cwe: ['CWE-459'] },
  'order/stalled-run': { asvs: ['v5.0.0-15.2.2', 'v5.0.0-15.4.3'], wstg: [], cwe: ['CWE-833'] },
  'order/double-completion': { asvs: ['v5.0.0-2.3.3'], wstg: [], cwe: ['CWE-837'] },
  'order/out-of-order': { asvs: ['v5.0.0-15.4.1'], wstg: [], cwe: ['CWE-696', 'CWE-362'] },
  'order/duplicate-event': { asvs: [], wstg: [], cwe: ['CWE-837'] },
  'order/after-completion': { asvs: [], wstg: [], cwe: ['CWE-696'] },
  'order/orphan-event': { asvs: [], wstg: [], cwe: ['CWE-696'] },
  'order/sequence-regression': { asvs: ['v5.0.0-15.4.1'], wstg: [], cwe: ['CWE-362'] },
  'order/malformed-event': { asvs: [], wstg: [], cwe: ['CWE-116', 'CWE-770'] },
  'order/wrong-run': { asvs: ['v5.0.0-15.4.1'], wstg: [], cwe: ['CWE-362'] },
  'order/drift': { asvs: [], wstg: [], cwe: ['CWE-436'] },

  'delivery/error-event': {
    asvs: ['v5.0.0-16.5.1', 'v5.0.0-16.5.2'],
    wstg: ['WSTG-ERRH-01'],
    cwe: ['CWE-755'],
  },
  'delivery/connect-failed': { asvs: ['v5.0.0-16.5.2'], wstg: [], cwe: ['CWE-755'] },
  'delivery/timeout': { asvs: ['v5.0.0-15.2.2'], wstg: [], cwe: ['CWE-400'] },
  'delivery/unexpected-close': { asvs: ['v5.0.0-16.5.4'], wstg: [], cwe: ['CWE-755'] },
  'delivery/not-shown': { asvs: [], wstg: [], cwe: ['CWE-451'] },

  'evidence/nothing-observed': NONE,
  'evidence/no-overlap': NONE,
  'evidence/marker-not-echoed': NONE,
  'evidence/blind-surface': NONE,
  'evidence/detector-missed': NONE,
  'evidence/incomplete-history': NONE,
  'evidence/harness-overloaded': NONE,
  'evidence/missing-part': NONE,

  'gate/connect': NONE,
  'gate/first-event': NONE,
  'gate/delivery': NONE,
  'gate/api': NONE,
  'gate/routing': STRAY_DATA,
  'gate/delivery-rate': NONE,
  'gate/error-rate': NONE,
  'gate/health': NONE,
};
