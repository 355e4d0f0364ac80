// Plants each bug of mutants.mjs, one at a time, and expects its tests to fail. Takes some minutes; not part of
// `npm test`. Usage: node test/mutants/run.mjs [name…]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import mutants from './mutants.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(mutants);
let survived = 0;
for (const name of names) {
  const run = spawnSync(
    'pnpm',
    ['exec', 'vitest', 'run', '--config', here('vitest.config.mjs'), ...mutants[name].tests],
    { cwd: here('../../../..'), env: { ...process.env, MUTANT: name, NO_COLOR: '1' }, encoding: 'utf8' },
  );
  const output = `${run.stdout}${run.stderr}`;
  const caught = /Tests +\d+ failed/.test(output) && !output.includes('does not apply');
  if (!caught) survived += 1;
  console.log(`${caught ? 'caught  ' : 'SURVIVED'} ${name}`);
  for (const line of output.split('\n')) if (/^ +× /.test(line)) console.log(`        ${line.trim()}`);
  if (!caught && output.includes('does not apply'))
    console.log(output.match(/mutant .* does not apply.*/)?.[0]);
}
process.exitCode = survived === 0 ? 0 : 1;
