package danube.rest;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * Apache's REST catalog fixture on 127.0.0.1. Reads catalog properties from stdin, `key=value` on a line of its own, up
 * to an empty line: so that no secret is among the arguments. Prints the port, and ends when stdin does: the process
 * that started it holds the other end.
 *
 * <p>usage: Main FOLDER [PORT]. In the folder its catalogs keep their SQLite files. Default port: a free one.
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws Exception {
    var stdin = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var port = args.length > 1 ? Integer.parseInt(args[1]) : 0;
    var server = serve(new Catalogs(Path.of(args[0]), properties(stdin)), port);
    System.out.println(((ServerConnector) server.getConnectors()[0]).getLocalPort());
    while (stdin.readLine() != null) {
      // Nothing more is asked of us.
    }
    // Nobody wants what is in the catalogs any more.
    Runtime.getRuntime().halt(0);
  }

  private static Map<String, String> properties(BufferedReader stdin) throws Exception {
    var properties = new HashMap<String, String>();
    for (var line = stdin.readLine(); line != null && !line.isEmpty(); line = stdin.readLine()) {
      var equals = line.indexOf('=');
      properties.put(line.substring(0, equals), line.substring(equals + 1));
    }
    return properties;
  }

  private static Server serve(Catalogs catalogs, int port) throws Exception {
    var http = new HttpConfiguration();
    // %2F in a name: Jetty refuses it by default, Iceberg's routes do not.
    http.setUriCompliance(UriCompliance.UNSAFE);
    http.setSendServerVersion(false);
    var server = new Server();
    var connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http));
    connector.setHost("127.0.0.1");
    connector.setPort(port);
    server.addConnector(connector);
    var context = new ServletContextHandler(ServletContextHandler.NO_SESSIONS);
    context.addServlet(new ServletHolder(catalogs), "/*");
    context.getServletHandler().setDecodeAmbiguousURIs(true);
    server.setHandler(context);
    server.start();
    return server;
  }
}
