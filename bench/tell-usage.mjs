// Loaded before a command: when that ends, it tells on its file descriptor 3 what the process has used.
import { writeSync } from 'node:fs';

process.once('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage = {
    wallSeconds: performance.now() / 1_000,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMegabytes: maxRSS / 1_024,
  };
  writeSync(3, JSON.stringify(usage));
});
