package danube.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Iceberg Java as an independent reader and writer for tests. Reads one request a line, {@code {"op": ..., ...}}, and
 * answers each with one line: {@code {"result": ...}} or {@code {"error": {"type", "message"}}}. Ends with its input.
 */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    // Whatever a library prints must not look like an answer.
    System.setOut(System.err);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    Session session = new Session();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      out.println(Json.MAPPER.writeValueAsString(answer(session, line)));
    }
  }

  private static ObjectNode answer(Session session, String line) {
    ObjectNode answer = Json.object();
    try {
      return answer.set("result", run(session, Json.parse(line)));
    } catch (Exception | LinkageError e) {
      answer.remove("result");
      ObjectNode error = answer.putObject("error").put("type", e.getClass().getSimpleName());
      error.put("message", String.valueOf(e.getMessage()));
      StringBuilder trace = new StringBuilder();
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        trace.append(cause).append('\n');
        for (StackTraceElement element : cause.getStackTrace()) trace.append("  at ").append(element).append('\n');
      }
      error.put("trace", trace.toString());
      return answer;
    }
  }

  private static JsonNode run(Session session, JsonNode request) throws Exception {
    String op = Json.text(request, "op");
    switch (op) {
      case "versions":
        return Reads.versions();
      case "createTable":
        return session.createTable(request);
      case "registerTable":
        return session.registerTable(request);
      case "dropTable":
        return session.dropTable(request);
      case "table":
        return Reads.table(session.table(request));
      case "writeData":
        return Writers.data(session, request);
      case "writeEqualityDeletes":
        return Writers.equalityDeletes(session, request);
      case "writePositionDeletes":
        return Writers.positionDeletes(session, request);
      case "writeDeletionVectors":
        return Writers.deletionVectors(session, request);
      case "describeFile":
        return Writers.describe(session, request);
      case "commit":
        return Commits.commit(session, request);
      case "commitStaged":
        return Commits.commitStaged(session, request);
      case "rows":
        return Reads.rows(session.table(request), request);
      case "plan":
        return Reads.plan(session.table(request), request);
      case "manifests":
        return Reads.manifests(session.table(request), request);
      default:
        throw new IllegalArgumentException("unknown op " + op);
    }
  }
}
