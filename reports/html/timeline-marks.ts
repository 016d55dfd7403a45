import type { Lane } from './trial-record.ts';

/** SVG path data of the mark of an event at a point; shapes differ as colours do. */
export function eventMark(index: number, x: number, y: number): string {
  return (MARKS[index] ?? CROSS)(x, y);
}

type Mark = (x: number, y: number) => string;

const CROSS: Mark = (x, y) => `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`;

/** In the order of the golden path: a triangle, a dot, an open and a filled square, a disc. */
const MARKS: readonly Mark[] = [
  (x, y) => `M${x - 3} ${y - 5}l8 5l-8 5z`,
  (x, y) => `M${x - 2} ${y}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0`,
  (x, y) => `M${x - 4} ${y - 4}h8v8h-8z`,
  (x, y) => `M${x - 4} ${y - 4}h8v8h-8z`,
  (x, y) => `M${x - 5} ${y}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0`,
];

/** An event of a run that the lane's user did not ask for. */
export function strayMark(x: number, y: number): string {
  return `M${x - 3} ${y}l3 -3l3 3l-3 3z`;
}

/** From when to when each question of a lane was being answered: up to its own last event. */
export function runMarks({ asked, received }: Lane): (readonly [from: number, to: number])[] {
  return asked.map(({ t, run }, index) => {
    const next = asked[index + 1]?.t ?? Infinity;
    const own = received.filter((event) => {
      if (event.stray) return false;
      // Where no run is known, what comes before the next question is taken for its answer.
      return event.run === undefined || run === undefined
        ? event.t >= t && event.t < next
        : event.run === run;
    });
    return [t, Math.max(t, ...own.map((event) => event.t))] as const;
  });
}
