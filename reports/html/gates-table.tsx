import type { VNode } from 'preact';
import type { GateResult } from '../../history/verdict.ts';
import { GateFigure, OutcomeMark, Wide } from './figures.tsx';
import { TableHead } from './structure.tsx';

const MEANINGS: Readonly<Record<GateResult['name'], string>> = {
  connect: 'connection due until its first frame',
  'first-event': 'question due until the first event of its run',
  delivery: "an event's own timestamp until receipt",
  api: 'request until the end of its reply',
  routing: 'agent events that belonged to their receiver',
  'delivery-rate': 'required events that arrived',
  'error-rate': 'runs that ended in an error, a close or a time-out',
  health: 'health checks answered with success',
};

/** Rates that must not exceed their limit; all other shares must reach it. */
const UPPER_SHARES: ReadonlySet<GateResult['name']> = new Set(['error-rate']);
const TIMES: ReadonlySet<GateResult['name']> = new Set([
  'connect',
  'first-event',
  'delivery',
  'api',
]);

/** The service levels of a trial: limit, what was measured, how it came out. */
export function GatesTable({ gates }: { readonly gates: readonly GateResult[] }): VNode {
  if (gates.length === 0) return <p class="quiet">This target has no service levels.</p>;
  return (
    <Wide label="Service levels">
      <table>
        <TableHead
          columns={[
            'Gate',
            { number: 'Measured' },
            { number: 'Limit' },
            'Outcome',
            'What it measures',
          ]}
        />
        <tbody>
          {gates.map((gate) => (
            <tr key={gate.name}>
              <th scope="row">{gate.name}</th>
              <td class="number">
                <GateFigure name={gate.name} of={gate.actual} />
              </td>
              <td class="number">
                {isUpper(gate.name) ? 'at most ' : 'at least '}
                <GateFigure name={gate.name} of={gate.limit} />
              </td>
              <td>
                <OutcomeMark outcome={gate.outcome} word={WORDS[gate.outcome]} />
              </td>
              <td class="quiet">{MEANINGS[gate.name]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

const WORDS: Readonly<Record<GateResult['outcome'], string>> = {
  pass: 'met',
  fail: 'not met',
  inconclusive: 'not proven',
  'not-applicable': 'not enforced',
};

function isUpper(name: GateResult['name']): boolean {
  return TIMES.has(name) || UPPER_SHARES.has(name);
}
