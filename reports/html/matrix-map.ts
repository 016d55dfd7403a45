/** How strong a tile is drawn, from 1. */
export const SHADES = 4;
/** Tiles of each side; a larger crowd shares tiles. */
const TILES_MAX = 200;

type Cell = readonly [observer: number, owner: number, count: number];

/** A matrix of users × users as one path per shade, on a grid of tiles of size 1. */
export interface MatrixMap {
  /** Tiles of each side. */
  readonly tiles: number;
  /** Users whom one tile stands for, in each direction. */
  readonly usersPerTile: number;
  /** SVG path data, the lightest shade first; empty where no tile has that shade. */
  readonly shades: readonly string[];
}

/**
 * Draws the cells of an isolation matrix. Persons outside the crowd have no column and are left out.
 * Tiles of one shade that lie side by side become one rectangle: a broadcast in a crowd of a thousand
 * stays a few kilobytes.
 */
export function mapMatrix(users: number, cells: readonly Cell[]): MatrixMap {
  const usersPerTile = Math.max(1, Math.ceil(users / TILES_MAX));
  const tiles = Math.ceil(users / usersPerTile);
  const counts = new Float64Array(tiles * tiles);
  let most = 0;
  for (const [observer, owner, count] of cells) {
    if (owner < 0) continue;
    const at = Math.floor(observer / usersPerTile) * tiles + Math.floor(owner / usersPerTile);
    counts[at] = (counts[at] ?? 0) + count;
    most = Math.max(most, counts[at] ?? 0);
  }
  const shades = Array.from({ length: SHADES }, () => '');
  for (let row = 0; row < tiles; row += 1)
    for (const { from, to, shade } of rowsOf(counts.subarray(row * tiles, (row + 1) * tiles), most))
      shades[shade - 1] += `M${from} ${row}h${to - from}v1h${from - to}z`;
  return { tiles, usersPerTile, shades };
}

/** The runs of equal, visible shade in one row. */
function rowsOf(
  counts: Float64Array,
  most: number,
): { readonly from: number; readonly to: number; readonly shade: number }[] {
  const runs: { from: number; to: number; shade: number }[] = [];
  counts.forEach((count, column) => {
    const shade = shadeOf(count, most);
    const last = runs.at(-1);
    if (last !== undefined && last.shade === shade && last.to === column) last.to += 1;
    else if (shade > 0) runs.push({ from: column, to: column + 1, shade });
  });
  return runs;
}

/** Nothing is 0; a single sighting is visible however many there are elsewhere. */
function shadeOf(count: number, most: number): number {
  if (count === 0) return 0;
  return Math.max(1, Math.min(SHADES, Math.ceil((Math.log1p(count) / Math.log1p(most)) * SHADES)));
}
