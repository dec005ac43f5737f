# The platform for teams, as docker-compose.yml runs it. Needs nothing but this folder and a registry of packages.
FROM node:22.20.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No scripts of packages: the build needs none.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY LICENSE esbuild.mjs ./
COPY scripts/ scripts/
COPY protocol/ protocol/
COPY core/ core/
COPY syntax/ syntax/
COPY server/ server/
COPY cli/ cli/
COPY cloud/ cloud/
COPY extension/ extension/
COPY webview/ webview/
RUN node esbuild.mjs --production

FROM node:22.20.0-bookworm-slim
LABEL org.opencontainers.image.title="ContextKit Cloud" \
      org.opencontainers.image.description="The platform that a team syncs its code to and asks for context" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4680
WORKDIR /app
# Owned by root: the program cannot change itself.
COPY --from=build /build/LICENSE /build/dist/THIRD-PARTY-NOTICES.txt ./
COPY --from=build /build/dist/cloud/ dist/cloud/
COPY --from=build /build/dist/grammars/ dist/grammars/
COPY --from=build /build/dist/tokenWorker.cjs /build/dist/web-tree-sitter.wasm /build/dist/vectorScan.wasm /build/dist/wordpiece.txt dist/
# Texts of files, where no store that speaks S3 is named: a volume of this path belongs to the user below from the start.
RUN install -d -o 1000 -g 1000 /var/lib/contextkit
USER 1000:1000
EXPOSE 4680
# Whoever stops it waits longer than DRAIN_SECONDS (20): stop_grace_period in docker-compose.yml.
STOPSIGNAL SIGTERM
# Liveness alone: a store that is silent is no reason to start the program anew. /readyz is for the load balancer.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 4680) + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cloud/cloud.cjs"]
CMD ["serve"]
