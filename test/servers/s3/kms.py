# What moto's KMS leaves out of signing, put in before it starts (KMS API reference, Sign and GetPublicKey): a message that is a digest already,
# a key that is disabled, and the names that AWS gives.
import base64
import json
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from moto.core.exceptions import JsonRESTError
from moto.kms.responses import KmsResponse

sign, get_public_key = KmsResponse.sign, KmsResponse.get_public_key
prehashed = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


def sign_either(self):
    key = self.kms_backend.describe_key(self._get_param("KeyId"))
    if not key.enabled:
        raise JsonRESTError("DisabledException", f"{key.arn} is disabled.")
    if self._get_param("MessageType") != "DIGEST":
        return sign(self)
    message, algorithm = self._get_param("Message"), self._get_param("SigningAlgorithm")
    if algorithm != "ECDSA_SHA_256" or key.key_spec != "ECC_NIST_P256":
        return sign(self)  # which says what is wrong
    if len(message) != 32:
        raise JsonRESTError("ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256.")
    signature = key.private_key.private_key.sign(message, prehashed)
    return json.dumps({"KeyId": key.arn, "Signature": base64.b64encode(signature).decode(), "SigningAlgorithm": algorithm})


def named(self):
    answer = json.loads(get_public_key(self))
    key = self.kms_backend.describe_key(answer["KeyId"])
    return json.dumps({**answer, "KeyId": key.arn, "KeySpec": key.key_spec})


KmsResponse.sign = sign_either
KmsResponse.get_public_key = named
