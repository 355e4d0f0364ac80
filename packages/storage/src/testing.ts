export type { OracleInput, OracleReport } from './oracle.ts';
export { judgeTable } from './oracle.ts';
