"""DynamoDB Local: one JVM, its data in memory, one database for every region and access key."""

from . import processes, web


def start(stack, ports, installed):
    natives = installed.dynamodb_home / "dynamodb"
    # It unpacks its SQLite library there.
    temporary = stack.folder / "dynamodb"
    temporary.mkdir()
    command = [
        installed.java,
        "-Xmx512m",
        # No files in /tmp for tools that watch a JVM.
        "-XX:-UsePerfData",
        # A test's server lives for minutes: quick compilation serves it better than thorough.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        f"-Djava.library.path={natives}",
        f"-Dsqlite4java.library.path={natives}",
        f"-Djava.io.tmpdir={temporary}",
        f"-Ddynamodb.port={ports['dynamodb']}",
        "-cp",
        natives / "*",
        "org.eclipse.jetty.xml.XmlConfiguration",
        installed.sources / "dynamodb" / "loopback.xml",
    ]
    environment = {"DDB_LOCAL_TELEMETRY": "0"}
    return processes.start(stack, command, stack.logs / "dynamodb.log", environment)


def healthy(_stack, ports):
    tables = web.ask_aws(f"http://127.0.0.1:{ports['dynamodb']}/", "dynamodb", "DynamoDB_20120810.ListTables")
    return tables is not None and "TableNames" in tables
