"""A sedge-cloud of one's own for a test: started on free ports in a scratch folder, spoken to by boto3, the AWS CLI, OpenSSL, curl,
mosquitto's programs and paho."""

import configparser
import json
import os
import ssl
import subprocess
import urllib.request

import boto3
import botocore.config
from conftest import BIN, wait_for

REGION = "us-east-1"
ACCOUNT = "123456789012"
CORE = "SE050_Core"


def arn(kind_name, service="iot"):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{kind_name}"


#: What a core needs and nothing else: its own client ids (the thing's name, -c00 and so on for messages), the -gda shadow, the Greengrass
#: data plane.
CORE_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect",
         "Resource": [arn("client/${iot:Connection.Thing.ThingName}"), arn(f"client/{CORE}-c*")]},
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"],
         "Resource": arn(f"topic/$aws/things/{CORE}-gda/shadow/*")},
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": arn(f"topicfilter/$aws/things/{CORE}-gda/shadow/*")},
        {"Effect": "Allow", "Action": "greengrass:*", "Resource": "*"},
    ],
}

OPEN_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}


class Cloud:
    def __init__(self, procs, folder, *more, env=None):
        self.procs, self.folder, self.more, self.its_env = procs, folder, more, env
        self.data = folder / "cloud"
        self.start()

    QUICK = ["--limit", "connects_per_client_s=0,retained_per_topic_s=0"]  # tests do not wait for the next second
    ANY_PORTS = ["--mqtt", "127.0.0.1:0", "--https", "127.0.0.1:0", "--api", "127.0.0.1:0"]

    def command(self, *argv):
        return [BIN / "sedge-cloud", "serve", "--data", self.data, *argv]

    def start(self, *more):
        self.data.joinpath("endpoints.json").unlink(missing_ok=True)
        ports = []
        if hasattr(self, "api"):  # where it was before
            ports = ["--mqtt", f"127.0.0.1:{self.mqtt}", "--https", f"127.0.0.1:{self.https}",
                     "--api", self.api.split("//")[1]]
        self.p = self.procs.start(*self.command(*(ports or self.ANY_PORTS), *self.QUICK, *self.more, *more), env=self.its_env)
        wait_for(lambda: b"ready " in self.p.log.read_bytes() or self.p.poll() is not None, message="sedge-cloud not ready")
        assert self.p.poll() is None, self.p.log.read_text()
        told = json.loads(self.data.joinpath("endpoints.json").read_text())
        self.api, self.mqtt, self.https = told["api"], told["mqttPort"], told["httpsPort"]
        self.ca = self.folder / "root.ca.pem"
        trust = ssl.create_default_context(cafile=str(self.data / "pki/ca.cert.pem")) if self.api.startswith("https:") else None
        self.ca.write_bytes(urllib.request.urlopen(self.api + "/root.ca.pem", timeout=10, context=trust).read())

    def log(self):
        return self.p.log.read_text()

    def stop(self, **kw):
        return self.procs.stop(self.p, **kw)

    def kill(self):
        self.p.kill()
        self.p.wait(10)

    def keys(self, account=None):
        """The administrator's of the default account, or of another one."""
        c = configparser.ConfigParser()
        c.read((self.data / "accounts" / account if account else self.data) / "admin-credentials")
        return dict(c["default"])

    def client(self, service, region=REGION, parameter_validation=True, account=None, **kw):
        kw = {**self.keys(account), **kw}
        config = botocore.config.Config(retries={"max_attempts": 0}, read_timeout=20, parameter_validation=parameter_validation)
        return boto3.client(service, region_name=region, endpoint_url=self.api, config=config, **kw)

    def env(self):
        return {**os.environ, "AWS_SHARED_CREDENTIALS_FILE": str(self.data / "admin-credentials"), "AWS_DEFAULT_REGION": REGION,
                "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true"}

    def aws(self, *argv, ok=True):
        p = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.api, *argv], env=self.env(), capture_output=True, text=True,
                           timeout=60)
        assert (p.returncode == 0) == ok, p.stdout + p.stderr
        return json.loads(p.stdout) if ok and p.stdout.strip().startswith(("{", "[")) else p.stdout + p.stderr

    def device(self, name=CORE, policy=OPEN_POLICY, active=True, thing=True, account=None):
        """A certificate, with what it needs to connect."""
        iot = self.client("iot", account=account)
        made = iot.create_keys_and_certificate(setAsActive=active)
        d = Device(self, name, made["certificateId"], made["certificateArn"])
        d.cert.write_text(made["certificatePem"])
        d.key.write_text(made["keyPair"]["PrivateKey"])
        if thing:
            iot.create_thing(thingName=name)
            iot.attach_thing_principal(thingName=name, principal=d.arn)
        if policy:
            d.policy = f"{name}-policy"
            iot.create_policy(policyName=d.policy, policyDocument=json.dumps(policy))
            iot.attach_policy(policyName=d.policy, target=d.arn)
        return d


class Device:
    def __init__(self, cloud, name, id, arn):
        self.cloud, self.name, self.id, self.arn = cloud, name, id, arn
        self.cert, self.key = (cloud.folder / f"{id[:10]}.{x}.pem" for x in ("cert", "key"))

    def tls(self):
        return ["--cafile", self.cloud.ca, "--cert", self.cert, "--key", self.key]

    def mosquitto(self, program, *argv, timeout=10):
        argv = ["mosquitto_" + program, "-h", "localhost", "-p", self.cloud.mqtt, "-V", "mqttv311", *self.tls(),
                *(["-i", self.name] if "-i" not in argv else []), *argv]
        return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout)

    def publish(self, topic, message, *argv):
        return self.mosquitto("pub", "-q", "1", "-t", topic, "-m", message, *argv)

    def curl(self, path, *argv):
        """(status, body)"""
        p = subprocess.run(["curl", "-sS", "--cacert", self.cloud.ca, "--cert", self.cert, "--key", self.key, "-w", "\n%{http_code}",
                            *argv, f"https://localhost:{self.cloud.https}{path}"], capture_output=True, text=True, timeout=20)
        assert p.returncode == 0, p.stderr
        body, status = p.stdout.rsplit("\n", 1)
        return int(status), body
