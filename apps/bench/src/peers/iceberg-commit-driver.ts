// One contender of the scenario `iceberg-commit`: iceberg-commit-driver ROOT SETTINGS prints a line of JSON, the windows.
import { type CommitSettings, runCommits } from './iceberg-commit-loop.ts';

const [root, settings] = process.argv.slice(2);
if (root === undefined || settings === undefined) throw new Error('iceberg-commit-driver ROOT SETTINGS');
console.log(JSON.stringify(await runCommits(root, JSON.parse(settings) as CommitSettings)));
