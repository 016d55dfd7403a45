/** The judge's public face: offline ({@link judgeHistory}) and live ({@link LiveJudge}). */
export { judgeHistory } from './calibration.ts';
export { judgeSoFar, LiveJudge } from './history-judge.ts';
