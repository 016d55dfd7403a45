#!/usr/bin/env node
// The `crosstalk` command. Node 20 cannot run TypeScript by itself, so tsx is registered first; there is
// no build step. The project's own tsconfig is named because tsx would otherwise take one from the
// working directory, which is the caller's.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) });

// A reader that goes away early (`crosstalk list rules | head`) is no error.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
});

const { main } = await import('./main.ts');
const code = await main(process.argv.slice(2));
// Left-over sockets of a target must not keep the command alive; what was printed must get out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
