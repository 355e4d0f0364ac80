package danube.rest;

import jakarta.servlet.Servlet;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.rest.Fixture;

/**
 * Many catalogs in one process, since each test wants an empty one: what follows `/NAME/` is a request to the catalog of
 * that name, which is made when it is first asked for. Each is a JdbcCatalog with an SQLite file of its own, below the
 * warehouse of the properties. A request without a name is to one more, whose tables are right in that warehouse.
 */
@SuppressWarnings("serial") // nobody stores a servlet
final class Catalogs extends HttpServlet {
  private final Path folder;
  private final Map<String, String> properties;
  private final Map<String, Servlet> byName = new ConcurrentHashMap<>();

  Catalogs(Path folder, Map<String, String> properties) {
    this.folder = folder;
    this.properties = properties;
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws ServletException, IOException {
    var uri = request.getRequestURI();
    var slash = uri.startsWith("/v1/") ? 0 : uri.indexOf('/', 1);
    if (slash < 0) {
      response.sendError(HttpServletResponse.SC_NOT_FOUND);
      return;
    }
    var rest = new HttpServletRequestWrapper(request) {
      @Override
      public String getRequestURI() {
        return uri.substring(slash);
      }
    };
    byName.computeIfAbsent(uri.substring(0, slash), this::open).service(rest, response);
  }

  private Servlet open(String path) {
    var name = path.isEmpty() ? "root" : path.substring(1);
    var own = new HashMap<>(properties);
    var warehouse = properties.get(CatalogProperties.WAREHOUSE_LOCATION).replaceAll("/+$", "");
    own.put(CatalogProperties.WAREHOUSE_LOCATION, warehouse + path);
    own.putIfAbsent(CatalogProperties.CATALOG_IMPL, JdbcCatalog.class.getName());
    // Readers beside a writer, and no disk waits: what a crash of this server would lose is nobody's concern.
    var file = folder.resolve(name + ".db");
    own.putIfAbsent(
        CatalogProperties.URI,
        "jdbc:sqlite:" + file + "?journal_mode=WAL&synchronous=OFF&busy_timeout=20000");
    // V1 has views.
    own.putIfAbsent("jdbc.schema-version", "V1");
    return Fixture.servlet(name, own);
  }
}
