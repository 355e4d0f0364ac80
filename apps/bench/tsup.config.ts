import { defineConfig } from 'tsup';
import { library } from '../../tsup.base.ts';

export default defineConfig(
  library(
    {
      main: 'src/main.ts',
      'echo-server': 'src/peers/echo-server.ts',
      'danube-driver': 'src/peers/danube-driver.ts',
      'lmdb-driver': 'src/peers/lmdb-driver.ts',
    },
    { dts: false },
  ),
);
