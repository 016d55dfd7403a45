/** The judge's public face: offline ({@link judgeHistory}) and live ({@link LiveJudge}). */
export { judgeHistory } from './calibration.ts';
export { judgeSoFar, LiveJudge, type JudgeOptions } from './history-judge.ts';
