# syntax=docker/dockerfile:1
# A static binary on an empty image: no shell, no package manager, no root.
# The programs that playbooks start with the command action belong into an image
# of your own that begins FROM this one.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o /out/salve ./cmd/salve \
 && install -d -m 0700 -o 65532 -g 65532 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/salve /usr/bin/salve
COPY --from=build --chown=65532:65532 /out/data /var/lib/salve
USER 65532:65532
VOLUME /var/lib/salve
EXPOSE 8080
# Run it with a read-only root: docker run --read-only -v salve:/var/lib/salve ...
ENTRYPOINT ["/usr/bin/salve"]
CMD ["serve", "--config", "/etc/salve/salve.yaml"]
