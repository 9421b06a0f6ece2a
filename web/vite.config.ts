import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import type { Connect, Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The service these pages talk to while they are developed with `npm run dev`. */
const service = process.env["MINSHENG_SERVICE"] ?? "http://127.0.0.1:8080";

/** The service answers each of these addresses with one of three documents; the development server does the same. */
const pages: Plugin = {
  name: "minsheng-pages",
  configureServer(server) {
    const answer: Connect.NextHandleFunction = (request, _response, next) => {
      const path = (request.url ?? "/").split("?")[0] ?? "/";
      if (/^\/console(\/|$)/.test(path)) request.url = "/console.html";
      else if (/^\/admin(\/|$)/.test(path)) request.url = "/admin.html";
      else if (/^\/a\//.test(path)) request.url = "/index.html";
      next();
    };
    server.middlewares.use(answer);
  },
};

export default defineConfig({
  plugins: [vue(), pages],
  define: { __VUE_OPTIONS_API__: false },
  build: {
    outDir: here("../server/static"),
    emptyOutDir: true,
    // Telephones that no longer get updates are the ones bad lines go with: modules and dynamic import, nothing newer.
    target: ["chrome72", "safari12.1", "firefox68"],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      input: { index: here("index.html"), console: here("console.html"), admin: here("admin.html") },
    },
  },
  server: {
    proxy: {
      "/api": service,
      "/whip": service,
      "/whep": service,
      "/hls": service,
      "/socket.io": { target: service, ws: true },
    },
  },
  test: { include: ["src/**/*.test.ts"] },
});
