// Prints the class path of the Java judge (made if need be), for running a single test of the jvm tier by hand.
import { javaClasspath } from './lib/java.mjs';
import { say } from './lib/stages.mjs';

const { classpath, reason } = await javaClasspath();
if (classpath) console.log(classpath);
else {
  say(`There is no Java judge here: ${reason}.`);
  process.exitCode = 1;
}
