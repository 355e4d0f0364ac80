import { defineConfig } from 'tsup';
import { library } from '../../tsup.base.ts';

export default defineConfig(
  library(
    {
      main: 'src/main.ts',
      'echo-server': 'src/peers/echo-server.ts',
      'danube-driver': 'src/peers/danube-driver.ts',
      'lmdb-driver': 'src/peers/lmdb-driver.ts',
      'iceberg-commit-driver': 'src/peers/iceberg-commit-driver.ts',
      'iceberg-plan-driver': 'src/peers/iceberg-plan-driver.ts',
      's3-driver': 'src/peers/s3-driver.ts',
    },
    { dts: false },
  ),
);
