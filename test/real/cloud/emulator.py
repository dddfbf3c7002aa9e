# What moto leaves out of its judgement, put in before it starts: the resource that a call is about, for the services whose calls it takes to be
# about everything, and the question mark in patterns. Conditions it still ignores.
import re
from moto.awslambda.models import LambdaBackend
from moto.awslambda.responses import LambdaResponse
from moto.events.responses import EventsHandler
from moto.iam.access_control import IAMPolicyStatement
from moto.kms.responses import KmsResponse
from moto.logs.responses import LogsResponse
from moto.rds.models import DBInstance
from moto.rds.responses import RDSResponse
from moto.s3.responses import S3Response
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.sns.responses import SNSResponse
from moto.sqs.models import sqs_backends
from werkzeug.datastructures import Headers


# what IAM calls an operation otherwise than the API
actions = {"lambda:Invoke": "lambda:InvokeFunction"}


def matches(pattern, text):
    text = actions.get(text, text)
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL)


def secret(self):
    wanted = self._get_param("SecretId")
    found = self.backend.secrets.get(wanted) if wanted else None
    return found.arn if found else (wanted or "*")


def topic(self):
    return self._get_param("TopicArn") or "*"


def stream(self):
    group, name = self._get_param("logGroupName"), self._get_param("logStreamName")
    return f"arn:aws:logs:{self.region}:{self.current_account}:log-group:{group}:log-stream:{name}"


def bus(self):
    return f"arn:aws:events:{self.region}:{self.current_account}:event-bus/default"


def function(self):
    return f"arn:aws:lambda:{self.region}:{self.current_account}:function:{self.path.split('/')[3]}"


def databases(self):
    kind = "cluster" if "Cluster" in self._get_action() else "db"
    return f"arn:aws:rds:{self.region}:{self.current_account}:{kind}:*"


def started(self, name, qualifier, body, headers, response_headers):
    """Instead of a container: the event goes into a queue, from which a test hands it over."""
    text = body.decode() if isinstance(body, bytes) else body
    message = '{"function": "%s", "type": "%s", "event": %s}' % (name, headers.get("X-Amz-Invocation-Type"), text)
    sqs_backends[self.account_id][self.region_name].send_message("started", message)
    return ""


def key(self):
    return self._get_param("KeyId") or "*"


put = S3Response._key_response_put


def put_locked(self, query, name):
    """Where objects are locked, AWS asks for MD5 or any checksum; the emulator for the header by which SDKs say which."""
    sums = [key[15:] for key, _ in self.headers.items() if key.lower().startswith("x-amz-checksum-c")]
    if sums and "uploadId" not in query and "x-amz-sdk-checksum-algorithm" not in self.headers:
        self.headers = Headers([*self.headers.items(), ("x-amz-sdk-checksum-algorithm", sums[0].upper())])
    return put(self, query, name)


S3Response._key_response_put = put_locked
IAMPolicyStatement._match = staticmethod(matches)
SecretsManagerResponse._determine_resource = secret
SNSResponse._determine_resource = topic
RDSResponse._determine_resource = databases
KmsResponse._determine_resource = key
LambdaResponse._determine_resource = function
LogsResponse._determine_resource = stream
EventsHandler._determine_resource = bus
LambdaBackend.invoke = started
# where functions of the tests find every database
DBInstance.address = property(lambda self: "db.internal")
