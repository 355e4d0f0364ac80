package org.apache.iceberg.rest;

import jakarta.servlet.Servlet;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.rest.RESTCatalogServer.CatalogContext;
import org.apache.iceberg.rest.responses.ConfigResponse;

/** What RESTCatalogServer puts together behind its port, which only its own package can. */
public final class Fixture {
  /** An ISO-8601 duration: repeated requests with one Idempotency-Key are answered alike, and the config says so. */
  private static final String IDEMPOTENCY_KEY_LIFETIME = "idempotency-key-lifetime";

  private Fixture() {}

  /** A servlet for a new catalog with Iceberg's catalog properties, `catalog-impl` among them. */
  public static Servlet servlet(String name, Map<String, String> properties) {
    var catalog = CatalogUtil.buildIcebergCatalog(name, properties, new Configuration());
    var context = new CatalogContext(catalog, properties);
    var lifetime = properties.get(IDEMPOTENCY_KEY_LIFETIME);
    if (lifetime == null) return new RESTCatalogServlet(new RESTServerCatalogAdapter(context));
    CatalogHandlers.setIdempotencyLifetimeFromIso(lifetime);
    return new RESTCatalogServlet(new AdvertisingAdapter(context, lifetime));
  }

  /** Iceberg's handlers know the keys; its fixture does not tell clients. */
  private static final class AdvertisingAdapter extends RESTServerCatalogAdapter {
    private final String lifetime;

    AdvertisingAdapter(CatalogContext context, String lifetime) {
      super(context);
      this.lifetime = lifetime;
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T extends RESTResponse> T handleRequest(
        Route route,
        Map<String, String> vars,
        HTTPRequest request,
        Class<T> type,
        Consumer<Map<String, String>> headers) {
      T response = super.handleRequest(route, vars, request, type, headers);
      if (!(response instanceof ConfigResponse config)) return response;
      return (T)
          ConfigResponse.builder()
              .withDefaults(config.defaults())
              .withOverrides(config.overrides())
              .withEndpoints(config.endpoints())
              .withIdempotencyKeyLifetime(lifetime)
              .build();
    }
  }
}
