import type { Summary } from '../history/verdict.ts';
import type { JudgedTrial } from './judged-trial.ts';
import type { ManifestEntry } from './manifest.ts';
import { executiveSummary, manifestSection, titleOf, verdictSection } from './sheet/decision.ts';
import { evidenceSection, limitsSection } from './sheet/evidence.ts';
import {
  eventSection,
  goldenPathSection,
  isolationSection,
  standardsSection,
} from './sheet/isolation.ts';
import {
  accessSection,
  connectivitySection,
  deploymentSection,
  healthSection,
  performanceSection,
} from './sheet/service.ts';
import type { Sheet } from './sheet/sheet.ts';

/**
 * `summary.md`, the sign-off sheet: made of summary.json, the verdicts and the digests of what lies
 * beside it, of nothing else. Texts of a target appear only in code spans, where neither Markdown nor
 * HTML acts. `manifest` is empty where nothing is written.
 */
export function renderSummaryMarkdown(
  summary: Summary,
  trials: readonly JudgedTrial[],
  manifest: readonly ManifestEntry[] = [],
): string {
  const sheet: Sheet = { summary, trials, manifest };
  const lines = [
    titleOf(summary),
    '',
    ...executiveSummary(sheet),
    ...deploymentSection(sheet),
    ...healthSection(sheet),
    ...connectivitySection(sheet),
    ...eventSection(sheet),
    ...goldenPathSection(sheet),
    ...isolationSection(sheet),
    ...performanceSection(sheet),
    ...accessSection(sheet),
    ...evidenceSection(sheet),
    ...standardsSection(sheet),
    ...limitsSection(),
    ...verdictSection(sheet),
    ...manifestSection(sheet),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
