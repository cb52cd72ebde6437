"""The index servers that canter is tried with: what each is made of, and what it is started with."""

import types
import zipfile
from dataclasses import dataclass, field

DEFAULT = "elasticsearch-7.10.2"
NETTY_POLICY = """\
grant {
  permission java.net.SocketPermission "*", "accept,connect";
  permission java.lang.RuntimePermission "setContextClassLoader";
  // Without it the server takes 50 s to end.
  permission java.lang.RuntimePermission "getClassLoader";
  permission java.util.PropertyPermission "sun.nio.ch.bugLevel", "write";
};
"""


@dataclass(frozen=True)
class Engine:
    """A server, its Java, and the modules that Maven has of it, each with its class."""

    kind: str
    version: str
    # From 24 on Java lacks the security manager that the older ones start with.
    java: range = range(17, 24)
    modules: types.MappingProxyType = field(default_factory=lambda: types.MappingProxyType({}))
    settings: tuple = ()
    folders: tuple = ()

    @property
    def name(self):
        return f"{self.kind}-{self.version}"

    @property
    def title(self):
        return f"{'OpenSearch' if self.kind == 'opensearch' else 'Elasticsearch'} {self.version}"

    @property
    def sources(self):
        """The files that say what it is made of, below the folder of this program."""
        return ("stack/engines.py", f"engines/{self.name}/pom.xml", f"engines/{self.name}/SHA256SUMS")

    @property
    def properties(self):
        """What the JVM is told beside what every server is told."""
        if self.kind == "opensearch":
            return ("-Dopensearch.distribution.type=tar",)
        return ("-Des.distribution.flavor=oss", "-Des.distribution.type=zip")

    @property
    def prefix(self):
        """What the names of the server's own properties begin with."""
        return "opensearch" if self.kind == "opensearch" else "es"

    @property
    def main(self):
        if self.kind == "opensearch":
            return "org.opensearch.bootstrap.OpenSearch"
        return "org.elasticsearch.bootstrap.Elasticsearch"

    def complete(self, folder):
        """Makes a server of the files that Maven has put there."""
        archive = folder / f"{self.name}.zip"
        if archive.exists():
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(folder)
            archive.unlink()
            (folder / "modules").rename(folder / "added")
            for part in (folder / self.name).iterdir():
                part.replace(folder / part.name)
            for module in (folder / "added").iterdir():
                module.replace(folder / "modules" / module.name)
        # It wants to make them, in a folder that it may not write.
        for empty in ("bin", "extensions", "plugins"):
            (folder / empty).mkdir(exist_ok=True)
        for module, class_name in self.modules.items():
            described = folder / "modules" / module
            (described / "plugin-descriptor.properties").write_text(
                f"name={module}\n"
                f"description={module}\n"
                f"version={self.version}\n"
                f"{self.kind}.version={self.version}\n"
                "java.version=1.8\n"
                f"classname={class_name}\n"
                "extended.plugins=\n"
                "has.native.controller=false\n"
            )
            if module == "transport-netty4":
                (described / "plugin-security.policy").write_text(NETTY_POLICY)


def modules(**classes):
    return types.MappingProxyType({name.replace("_", "-"): class_name for name, class_name in classes.items()})


ENGINES = {
    engine.name: engine
    for engine in (
        Engine(
            "elasticsearch",
            "7.10.2",
            modules=modules(mapper_extras="org.elasticsearch.index.mapper.MapperExtrasPlugin"),
        ),
        Engine(
            "elasticsearch",
            "7.17.29",
            modules=modules(mapper_extras="org.elasticsearch.index.mapper.MapperExtrasPlugin"),
            settings=("-Expack.security.enabled=false",),
            # Its native library unpacks itself there.
            folders=("LIBFFI_TMPDIR",),
        ),
        Engine(
            "opensearch",
            "2.19.6",
            modules=modules(
                transport_netty4="org.opensearch.transport.Netty4Plugin",
                mapper_extras="org.opensearch.index.mapper.MapperExtrasPlugin",
            ),
        ),
        Engine(
            "opensearch",
            "3.9.0",
            java=range(21, 99),
            modules=modules(
                transport_netty4="org.opensearch.transport.Netty4ModulePlugin",
                mapper_extras="org.opensearch.index.mapper.MapperExtrasModulePlugin",
            ),
        ),
    )
}
