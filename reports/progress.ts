import { createLogUpdate } from 'log-update';
import { createColors } from 'picocolors';
import { startClock } from '../history/clock.ts';
import type { Progress } from '../history/progress.ts';
import { counted, durationText } from './numbers.ts';
import { showUntrusted, showUntrustedUpTo } from './untrusted.ts';

const REDRAW_EVERY_MS = 100;
const PHASE_WIDTH = 24;
const TEXT_CHARACTERS_MAX = 300;

export interface ProgressOptions {
  readonly stream: NodeJS.WriteStream;
  readonly color: boolean;
}

/** Shows a campaign while it runs. */
export interface ProgressView {
  /** How many trials there will be. */
  begin(trials: number): void;
  receive(progress: Progress): void;
  /** One line that stays. */
  remark(text: string): void;
  /** Leaves the last state on the screen and gives the terminal back. */
  stop(): void;
}

/**
 * A view for the stream at hand: on a terminal a block with the counts and the time of each phase, drawn
 * anew as they change; elsewhere one line per phase, when it is over.
 */
export function createProgressView(options: ProgressOptions): ProgressView {
  const { isTTY, rows, columns } = options.stream;
  // Some pseudo-terminals have no size; there is nothing to draw on.
  const drawable = isTTY && rows > 0 && columns > 0;
  return drawable ? createLiveView(options) : createPlainView(options);
}

/** A view that shows nothing (`--quiet`). */
export const SILENT_VIEW: ProgressView = {
  begin: () => undefined,
  receive: () => undefined,
  remark: () => undefined,
  stop: () => undefined,
};

type Phase = Extract<Progress, { kind: 'phase' }>;

function createPlainView({ stream, color }: ProgressOptions): ProgressView {
  const print = (line: string): void => {
    stream.write(`${line}\n`);
  };
  const colors = createColors(color);
  const place = startCounting();
  return {
    begin: place.begin,
    receive(progress) {
      if (progress.kind === 'trial') print(trialLine(progress, place.next()));
      else if (progress.kind !== 'phase') print(standingLine(progress, colors));
      else if (progress.over) print(phaseLine(progress, progress.elapsedMs));
    },
    remark: (text) => print(shown(text)),
    stop: () => undefined,
  };
}

function createLiveView({ stream, color }: ProgressOptions): ProgressView {
  const update = createLogUpdate(stream, { showCursor: true });
  const colors = createColors(color);
  const clock = startClock();
  const place = startCounting();
  /** Where the campaign is; empty before its first trial. */
  let where = '';
  /** Phases of the trial under way, with the moment each began on this clock. */
  const phases = new Map<string, { readonly phase: Phase; readonly beganAt: number }>();
  const draw = (): void => {
    const lines = [...phases.values()].map(({ phase, beganAt }) =>
      phase.over
        ? phaseLine(phase, phase.elapsedMs)
        : colors.bold(phaseLine(phase, clock.now() - beganAt)),
    );
    if (where !== '') lines.push(colors.dim(`  ${where}, ${durationText(clock.now())}`));
    update(lines.join('\n'));
  };
  const timer = setInterval(draw, REDRAW_EVERY_MS);
  timer.unref();
  const keep = (line: string): void => {
    update.persist(line);
    draw();
  };
  return {
    begin: place.begin,
    receive(progress) {
      if (progress.kind === 'phase') {
        const beganAt = clock.now() - progress.elapsedMs;
        phases.set(progress.phase, { phase: progress, beganAt });
        draw();
        return;
      }
      if (progress.kind !== 'trial') {
        keep(standingLine(progress, colors));
        return;
      }
      // What the trial before came to stays above the new one.
      where = '';
      draw();
      update.done();
      phases.clear();
      where = place.next();
      keep(trialLine(progress, where));
    },
    remark: (text) => keep(shown(text)),
    stop() {
      clearInterval(timer);
      where = '';
      draw();
      update.done();
    },
  };
}

function phaseLine(phase: Phase, elapsedMs: number): string {
  const failed = phase.failed > 0 ? `, ${phase.failed} failed` : '';
  const count = `${phase.done}/${phase.total}${failed}`;
  return `  ${shown(phase.phase).padEnd(PHASE_WIDTH)} ${count.padEnd(16)} ${durationText(elapsedMs)}`;
}

/** Counts trials as they begin. */
function startCounting(): {
  readonly begin: (trials: number) => void;
  readonly next: () => string;
} {
  let total = 0;
  let begun = 0;
  return {
    begin(trials) {
      total = trials;
    },
    next() {
      begun += 1;
      return total > 0 ? `trial ${begun} of ${total}` : `trial ${begun}`;
    },
  };
}

type Trial = Extract<Progress, { kind: 'trial' }>;

function trialLine(trial: Trial, place: string): string {
  const where = trial.url === '' ? '' : ` at ${trial.url}`;
  return shown(
    `${trial.scenario} on ${trial.transport}: ${counted(trial.users, 'user')}, target ${trial.target}${where}, seed ${trial.seed}, ${place}`,
  );
}

/** Lines that are printed once and stay. */
function standingLine(
  progress: Exclude<Progress, { kind: 'phase' | 'trial' }>,
  colors: ReturnType<typeof createColors>,
): string {
  switch (progress.kind) {
    case 'violation': {
      const what = progress.rule.startsWith('isolation/') ? 'LEAK' : 'violation';
      const line = `  ${what}: ${shown(progress.message)} [${showUntrusted(progress.rule)}]`;
      return colors.bold(colors.red(line));
    }
    case 'remark':
      return `  ${shown(progress.text)}`;
    // A newer process may report more than this one knows.
    default:
      return '';
  }
}

function shown(text: string): string {
  return showUntrustedUpTo(text, TEXT_CHARACTERS_MAX);
}
