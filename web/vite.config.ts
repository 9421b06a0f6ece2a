import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
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
      else if (/^\/(a|columns)\//.test(path)) request.url = "/index.html";
      next();
    };
    server.middlewares.use(answer);
  },
};

const output = here("../server/static");

/** The service sends `name.br` or `name.gz` to whoever takes it: packed once here, not at each request on a bad line. */
const packed: Plugin = {
  name: "minsheng-packed",
  apply: "build",
  closeBundle() {
    for (const name of readdirSync(output, { recursive: true, encoding: "utf8" })) {
      if (!/\.(js|css|html)$/.test(name)) continue;
      const path = join(output, name);
      const plain = readFileSync(path);
      writeFileSync(`${path}.br`, brotliCompressSync(plain));
      writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
    }
  },
};

export default defineConfig({
  plugins: [vue(), pages, packed],
  define: { __VUE_OPTIONS_API__: false },
  build: {
    outDir: output,
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
