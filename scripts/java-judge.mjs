// Prints the class path of a Java judge (made if need be), for running a single test of the jvm tier by hand: of the one
// that DANUBE_JAVA_CLASSPATH names or, with the argument `rest`, of the REST catalog server of DANUBE_REST_CLASSPATH.
import { javaClasspath } from './lib/java.mjs';
import { say } from './lib/stages.mjs';

const { classpath, reason } = await javaClasspath(process.argv[2]);
if (classpath) console.log(classpath);
else {
  say(`There is no Java judge here: ${reason}.`);
  process.exitCode = 1;
}
