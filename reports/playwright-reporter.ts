import type {
  FullConfig,
  FullResult,
  Reporter,
  Suite,
  TestCase,
  TestError,
  TestResult,
} from 'playwright/types/testReporter';
import { decodeProgress } from '../history/progress.ts';
import { mayColor } from './may-color.ts';
import { createProgressView, type ProgressView } from './progress.ts';
import type { RunnerMessage } from './runner-messages.ts';
import { showUntrustedUpTo } from './untrusted.ts';

const LINE_CHARACTERS_MAX = 1000;
const ERROR_CHARACTERS_MAX = 4000;
/** An unfinished line longer than this is given up on: it is not ours. */
const PARTIAL_CHARACTERS_MAX = 1024 * 1024;

/** Receives what a run of Playwright Test has to say. */
interface Listener {
  tell(message: RunnerMessage): void;
  end(status: FullResult['status']): void;
}

/**
 * The Playwright reporter of a campaign. Started by `crosstalk run` it hands progress and script errors
 * to that process and says nothing itself; when the process is gone it ends the whole run at once, so
 * that nothing is left over after a `kill -9`. Under a plain `npx playwright test` it prints the phases
 * and the failures.
 */
export default class CrosstalkReporter implements Reporter {
  readonly #listener: Listener;
  /** Unfinished last lines of output, by worker and stream. */
  readonly #partial = new Map<string, string>();

  constructor() {
    this.#listener = process.send === undefined ? printingListener() : channelListener();
  }

  /** Keeps Playwright from adding a reporter of its own. */
  printsToStdio(): boolean {
    return true;
  }

  onBegin(_config: FullConfig, suite: Suite): void {
    this.#listener.tell({ type: 'begin', tests: suite.allTests().length });
  }

  onStdOut(chunk: string | Buffer, _test?: TestCase, result?: TestResult): void {
    this.#take(`out ${result?.workerIndex ?? '-'}`, chunk.toString());
  }

  onStdErr(chunk: string | Buffer, _test?: TestCase, result?: TestResult): void {
    this.#take(`err ${result?.workerIndex ?? '-'}`, chunk.toString());
  }

  onTestEnd(test: TestCase, result: TestResult): void {
    const title = test.titlePath().filter((part) => part !== '');
    for (const error of result.errors) this.#fail(title.join(' › '), error);
  }

  onError(error: TestError): void {
    this.#fail(null, error);
  }

  onEnd({ status }: FullResult): void {
    for (const text of this.#partial.values())
      if (text !== '') this.#listener.tell({ type: 'output', text });
    this.#listener.end(status);
  }

  #take(source: string, chunk: string): void {
    const lines = `${this.#partial.get(source) ?? ''}${chunk}`.split('\n');
    const rest = lines.pop() ?? '';
    this.#partial.set(source, rest.length > PARTIAL_CHARACTERS_MAX ? '' : rest);
    for (const line of lines) {
      const progress = decodeProgress(line);
      this.#listener.tell(
        progress === undefined ? { type: 'output', text: line } : { type: 'progress', progress },
      );
    }
  }

  #fail(test: string | null, error: TestError): void {
    const message = error.message ?? error.value ?? 'an error without a message';
    const at = error.location;
    const where = at === undefined ? '' : ` (${at.file}:${at.line})`;
    this.#listener.tell({
      type: 'error',
      test,
      message: `${withoutColors(message)}${where}`.slice(0, ERROR_CHARACTERS_MAX),
    });
  }
}

function channelListener(): Listener {
  process.on('disconnect', () => {
    process.exit(1);
  });
  // Listening keeps the channel, and with it the process, alive; the run's own end must end it.
  process.channel?.unref();
  return {
    tell(message) {
      if (process.connected) process.send?.(message);
    },
    end: () => undefined,
  };
}

function printingListener(): Listener {
  const { stdout } = process;
  const view: ProgressView = createProgressView({ stream: stdout, color: mayColor(stdout) });
  return {
    tell(message) {
      switch (message.type) {
        case 'begin':
          view.begin(message.tests);
          return;
        case 'progress':
          view.receive(message.progress);
          return;
        case 'output':
          view.remark(message.text);
          return;
        case 'error':
          for (const line of `${message.test ?? 'error'}: ${message.message}`.split('\n'))
            view.remark(showUntrustedUpTo(line, LINE_CHARACTERS_MAX));
      }
    },
    end(status) {
      view.remark(`Playwright Test: ${status}`);
      view.stop();
    },
  };
}

/** Playwright colours its messages; colours of a target's text would be shown, not obeyed, anyway. */
function withoutColors(text: string): string {
  return text.replaceAll(COLOR_SEQUENCE, '');
}

const ESCAPE = String.fromCodePoint(0x1b);
const COLOR_SEQUENCE = new RegExp(`${ESCAPE}\\[[0-9;]*m`, 'g');
