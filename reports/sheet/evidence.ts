import { code, section, table } from '../markdown.ts';
import { grouped, shareText } from '../numbers.ts';
import { trialCells, type Sheet } from './sheet.ts';

/** How much a pass is worth: what was seen, how much at the same time, and whether the detector sees. */
export function evidenceSection({ summary, trials }: Sheet): string[] {
  const absent = summary.notApplicable.map(
    ({ scenario, transport, reason }) =>
      `- ${code(`${scenario} on ${transport}`)} was not run: ${code(reason)}`,
  );
  return section('Evidence and confidence', [
    'The upper bound of the leak rate (95 % confidence, rule of three) counts every thing received against every other user; the sober one counts pairs of runs that overlapped. There is none after a leak.',
    '',
    ...table(
      [
        'Scenario',
        'Transport',
        'Observations',
        'Bytes',
        'Pairs overlapping',
        'Opportunities',
        'Leak rate at most',
        'Per pair of runs',
        'Planted leaks caught',
      ],
      trials.map((trial) => {
        const { evidence } = trial.verdict;
        const { calibration } = evidence;
        return [
          ...trialCells(trial),
          grouped(evidence.observations),
          grouped(evidence.bytes),
          `${grouped(evidence.pairsOverlapping)} of ${grouped(evidence.pairs)}`,
          grouped(evidence.opportunities),
          boundText(evidence.leakRateUpperBound95),
          boundText(evidence.leakRateUpperBound95PerRunPair),
          calibration === null
            ? '–'
            : `${grouped(calibration.caught)} of ${grouped(calibration.planted)}`,
        ];
      }),
    ),
    ...(absent.length === 0 ? [] : ['', ...absent]),
  ]);
}

function boundText(bound: number | null): string {
  return bound === null ? '–' : shareText(bound);
}

/** What no pass can say, whatever the numbers. */
export function limitsSection(): string[] {
  return section('Known limits of the method', [
    '- Leaks into what no user of the crowd sees (logs, databases, analytics) are not seen.',
    '- Content that was reworded without its marker is not recognised; where a marker must come back and does not, the trial is inconclusive.',
    '- Three encodings on top of each other, compressed or encrypted text, pictures and sound are not searched.',
    '- A leak rarer than the opportunities allow can be missed: the upper bound is not zero.',
    '- The verdict holds for this build, these accounts and this hour. A fault that needs another state of the service is met once or not at all.',
    '- A target profile that claims too little makes the examination weaker; one that claims too much accuses the innocent.',
  ]);
}
