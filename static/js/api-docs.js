// The page of the JSON API: Swagger UI, following the theme and sending the CSRF token of this page.

const place = document.getElementById("api");
const csrfToken = document.querySelector('meta[name="csrf-token"]').content;

function followTheme() {
  document.documentElement.classList.toggle("dark-mode", document.documentElement.dataset.bsTheme === "dark");
}

followTheme();
new MutationObserver(followTheme).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor(request) {
    if (new URL(request.url, location.href).origin === location.origin) request.headers["X-CSRFToken"] = csrfToken;
    return request;
  },
});
