"""A small application to deploy: the shape of canter's own, with functions in Python that need no compiler."""

from programs import program

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  IndexUrl:
    Type: String
  Architecture:
    Type: String
  AllowPrivate:
    Type: String
    Default: "false"
  Greeting:
    Type: String
    Default: hello
Globals:
  Function:
    Runtime: provided.al2023
    Handler: bootstrap
    Timeout: 10
    Architectures: [!Ref Architecture]
  Api:
    OpenApiVersion: 3.0.1
Resources:
  DeadLetters:
    Type: AWS::SQS::Queue
  Tasks:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn, maxReceiveCount: 2}
  Pages:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: url, AttributeType: S}]
      KeySchema: [{AttributeName: url, KeyType: HASH}]
  ArchiveBucket:
    Type: AWS::S3::Bucket
  FetchFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile}
    Properties:
      CodeUri: fetch
      RecursiveLoop: Allow
      Events:
        Tasks:
          Type: SQS
          Properties:
            Queue: !GetAtt Tasks.Arn
            BatchSize: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 2}
  SearchFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile}
    Properties:
      CodeUri: search
      Environment:
        Variables: {GREETING: !Ref Greeting, INDEX: !Ref IndexUrl, PRIVATE: !Ref AllowPrivate}
      Events:
        Root:
          Type: Api
          Properties: {RestApiId: !Ref SearchApi, Path: /, Method: GET}
        Rest:
          Type: Api
          Properties: {RestApiId: !Ref SearchApi, Path: "/{proxy+}", Method: GET}
  SearchApi:
    Type: AWS::Serverless::Api
    Properties: {StageName: search}
Outputs:
  SearchUrl:
    Value: !Sub https://${SearchApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/search/
  QueueUrl:
    Value: !Ref Tasks
"""

FETCH = "print('begin', flush=True); time.sleep(2); print('end', flush=True)\nreturn {}"

SEARCH = """
told = {"path": event["path"], "query": event["multiValueQueryStringParameters"],
        "stage": event["requestContext"]["stage"], "version": VERSION,
        "environment": {name: os.environ[name] for name in ("GREETING", "INDEX", "PRIVATE")}}
return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(told)}
"""


def write(folder, version=1, template=TEMPLATE):
    """The application's files; `version` is in the search function's code."""
    (folder / "template.yaml").write_text(template)
    sources = {"fetch": program(FETCH), "search": program(SEARCH, start=f"VERSION = {version}")}
    for name, text in sources.items():
        source = folder / name
        source.mkdir(exist_ok=True)
        (source / "bootstrap").write_text(text)
        (source / "bootstrap").chmod(0o755)
        target = f"build-{name.capitalize()}Function"
        (source / "Makefile").write_text(f"{target}:\n\tcp bootstrap $(ARTIFACTS_DIR)\n")
